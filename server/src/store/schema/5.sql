-- A list shows the outer subject, which in sealed mail is a placeholder: kept with the outer header, it needs
-- no look into each message. Null where it was not read yet.
ALTER TABLE emails ADD COLUMN subject TEXT;

-- 1: packed by Zstandard. Base64 of ciphertext then takes a quarter less.
ALTER TABLE blob_data ADD COLUMN packed BIGINT NOT NULL DEFAULT 0;

-- Only what nobody uses is ever looked for by its age, and holders only by account.
DROP INDEX account_blobs_idle;
DROP INDEX account_blobs_blob;

-- sqlite:
-- Small rows lie in the index of their key, not beside it: half the pages are written for each.
CREATE TABLE rebuilt (
  account_id TEXT NOT NULL,
  mailbox_id TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  email_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  PRIMARY KEY (account_id, mailbox_id, received_at, email_id)
) WITHOUT ROWID;
INSERT INTO rebuilt SELECT account_id, mailbox_id, received_at, email_id, thread_id FROM email_mailboxes;
DROP TABLE email_mailboxes;
ALTER TABLE rebuilt RENAME TO email_mailboxes;

CREATE TABLE rebuilt (
  account_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  email_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  PRIMARY KEY (account_id, message_id, email_id)
) WITHOUT ROWID;
INSERT INTO rebuilt SELECT account_id, message_id, email_id, thread_id FROM message_ids;
DROP TABLE message_ids;
ALTER TABLE rebuilt RENAME TO message_ids;

CREATE TABLE rebuilt (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  emails BIGINT NOT NULL,
  unread BIGINT NOT NULL,
  created_state BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
) WITHOUT ROWID;
INSERT INTO rebuilt SELECT account_id, id, emails, unread, created_state, updated_state FROM threads;
DROP TABLE threads;
ALTER TABLE rebuilt RENAME TO threads;
CREATE INDEX threads_changed ON threads (account_id, updated_state);

CREATE TABLE rebuilt (
  account_id TEXT NOT NULL,
  thread_id TEXT NOT NULL,
  mailbox_id TEXT NOT NULL,
  emails BIGINT NOT NULL,
  PRIMARY KEY (account_id, thread_id, mailbox_id)
) WITHOUT ROWID;
INSERT INTO rebuilt SELECT account_id, thread_id, mailbox_id, emails FROM thread_mailboxes;
DROP TABLE thread_mailboxes;
ALTER TABLE rebuilt RENAME TO thread_mailboxes;

CREATE TABLE rebuilt (
  account_id TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  added_at BIGINT NOT NULL,
  in_use BIGINT NOT NULL,
  PRIMARY KEY (account_id, blob_id)
) WITHOUT ROWID;
INSERT INTO rebuilt SELECT account_id, blob_id, added_at, in_use FROM account_blobs;
DROP TABLE account_blobs;
ALTER TABLE rebuilt RENAME TO account_blobs;

CREATE TABLE rebuilt (
  id TEXT NOT NULL PRIMARY KEY,
  size BIGINT NOT NULL,
  in_file BIGINT NOT NULL DEFAULT 0,
  refs BIGINT NOT NULL DEFAULT 0,
  idle_since BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO rebuilt SELECT id, size, in_file, refs, idle_since FROM blobs;
DROP TABLE blobs;
ALTER TABLE rebuilt RENAME TO blobs;
CREATE INDEX blobs_idle ON blobs (idle_since) WHERE refs = 0;

-- postgres:
-- What is packed or random cannot be packed again.
ALTER TABLE blob_data ALTER COLUMN data SET STORAGE EXTERNAL;

-- both:
CREATE INDEX account_blobs_idle ON account_blobs (account_id, added_at) WHERE in_use = 0;
