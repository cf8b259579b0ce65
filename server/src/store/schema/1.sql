CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY,
  address TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  organisation TEXT,
  password TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  modseq BIGINT NOT NULL,
  mailbox_state BIGINT NOT NULL,
  email_state BIGINT NOT NULL,
  thread_state BIGINT NOT NULL,
  submission_state BIGINT NOT NULL
);

CREATE TABLE sessions (
  token_hash TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE mailboxes (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  parent_id TEXT,
  role TEXT,
  sort_order BIGINT NOT NULL,
  is_subscribed BIGINT NOT NULL,
  total_emails BIGINT NOT NULL,
  unread_emails BIGINT NOT NULL,
  total_threads BIGINT NOT NULL,
  unread_threads BIGINT NOT NULL,
  created_state BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  properties_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
);
CREATE INDEX mailboxes_changed ON mailboxes (account_id, updated_state);

CREATE TABLE emails (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  size BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  outer_header TEXT NOT NULL,
  keywords TEXT NOT NULL,
  mailboxes TEXT NOT NULL,
  summary BLOB,
  created_state BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
);
CREATE INDEX emails_changed ON emails (account_id, updated_state);
CREATE INDEX emails_received ON emails (account_id, received_at, id);
CREATE INDEX emails_thread ON emails (account_id, thread_id);
CREATE INDEX emails_blob ON emails (account_id, blob_id);

CREATE TABLE email_mailboxes (
  account_id TEXT NOT NULL,
  mailbox_id TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  email_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  PRIMARY KEY (account_id, mailbox_id, received_at, email_id)
);

CREATE TABLE message_ids (
  account_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  email_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  PRIMARY KEY (account_id, message_id, email_id)
);

CREATE TABLE threads (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  emails BIGINT NOT NULL,
  unread BIGINT NOT NULL,
  created_state BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
);
CREATE INDEX threads_changed ON threads (account_id, updated_state);

CREATE TABLE thread_mailboxes (
  account_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  mailbox_id TEXT NOT NULL,
  emails BIGINT NOT NULL,
  PRIMARY KEY (account_id, thread_id, mailbox_id)
);

CREATE TABLE tombstones (
  account_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  created_state BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, kind, id)
);
CREATE INDEX tombstones_changed ON tombstones (account_id, kind, updated_state);

CREATE TABLE blobs (
  id TEXT NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  data BLOB
);

CREATE TABLE account_blobs (
  account_id TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  added_at BIGINT NOT NULL,
  in_use BIGINT NOT NULL,
  PRIMARY KEY (account_id, blob_id)
);
CREATE INDEX account_blobs_blob ON account_blobs (blob_id);
CREATE INDEX account_blobs_idle ON account_blobs (in_use, account_id, added_at);

CREATE TABLE loose_files (
  blob_id TEXT NOT NULL PRIMARY KEY
);

CREATE TABLE certificates (
  serial TEXT NOT NULL PRIMARY KEY,
  address TEXT NOT NULL,
  key_use TEXT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  der BLOB NOT NULL
);
CREATE INDEX certificates_address ON certificates (address, key_use, issued_at);

CREATE TABLE enrolment_keys (
  account_id TEXT NOT NULL PRIMARY KEY,
  pkcs8 BLOB NOT NULL,
  certificate BLOB NOT NULL
);

CREATE TABLE vaults (
  account_id TEXT NOT NULL PRIMARY KEY,
  state BIGINT NOT NULL,
  data BLOB NOT NULL
);

CREATE TABLE submissions (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  identity_id TEXT NOT NULL,
  email_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  envelope TEXT NOT NULL,
  send_at BIGINT NOT NULL,
  delivery TEXT NOT NULL,
  created_state BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
);
CREATE INDEX submissions_changed ON submissions (account_id, updated_state);

CREATE TABLE sent (
  account_id TEXT NOT NULL,
  message TEXT NOT NULL,
  sent_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, message)
);
CREATE INDEX sent_age ON sent (sent_at);

CREATE TABLE queue (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  submission_id TEXT,
  mail_from TEXT NOT NULL,
  recipient TEXT NOT NULL,
  domain TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  queued_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL
);
CREATE INDEX queue_due ON queue (next_at);
CREATE INDEX queue_blob ON queue (blob_id);
