ALTER TABLE accounts ADD COLUMN identity_state BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN vacation_state BIGINT NOT NULL DEFAULT 0;
ALTER TABLE submissions ADD COLUMN undo_status TEXT NOT NULL DEFAULT 'final';

CREATE TABLE app_passwords (
  id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  label TEXT NOT NULL,
  hash TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX app_passwords_account ON app_passwords (account_id, created_at);

CREATE TABLE shares (
  member_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  may_write BIGINT NOT NULL,
  PRIMARY KEY (member_id, account_id)
);

CREATE TABLE clear_texts (
  account_id TEXT NOT NULL,
  email_id TEXT NOT NULL,
  from_text TEXT NOT NULL,
  to_text TEXT NOT NULL,
  cc_text TEXT NOT NULL,
  bcc_text TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  attachments TEXT NOT NULL,
  has_attachment BIGINT NOT NULL,
  sort_from TEXT NOT NULL,
  sort_to TEXT NOT NULL,
  sort_subject TEXT NOT NULL,
  sent_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, email_id)
);

CREATE TABLE clear_headers (
  account_id TEXT NOT NULL,
  email_id TEXT NOT NULL,
  place BIGINT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (account_id, email_id, place)
);

CREATE TABLE identities (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  reply_to TEXT,
  bcc TEXT,
  text_signature TEXT NOT NULL,
  html_signature TEXT NOT NULL,
  created_state BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
);
INSERT INTO identities (account_id, id, name, email, text_signature, html_signature, created_state,
  updated_state)
  SELECT id, 'self', name, address, '', '', 0, 0 FROM accounts;

CREATE TABLE vacations (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  is_enabled BIGINT NOT NULL,
  from_date BIGINT,
  to_date BIGINT,
  subject TEXT,
  text_body TEXT,
  html_body TEXT,
  created_state BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
);

CREATE TABLE vacation_answers (
  account_id TEXT NOT NULL,
  address TEXT NOT NULL,
  answered_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, address)
);

CREATE TABLE held (
  submission_id TEXT NOT NULL PRIMARY KEY,
  account_id TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  mail_from TEXT NOT NULL,
  recipients TEXT NOT NULL,
  send_at BIGINT NOT NULL
);
CREATE INDEX held_due ON held (send_at);
CREATE INDEX held_blob ON held (blob_id);

CREATE TABLE push_subscriptions (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  device TEXT NOT NULL,
  url TEXT NOT NULL,
  p256dh TEXT,
  auth TEXT,
  types TEXT,
  code TEXT NOT NULL,
  verified BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
);
CREATE INDEX push_subscriptions_expiry ON push_subscriptions (expires_at);
