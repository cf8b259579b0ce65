ALTER TABLE accounts DROP COLUMN used;
ALTER TABLE accounts DROP COLUMN quota;
ALTER TABLE accounts DROP COLUMN changes_since;

DROP TABLE processes;

CREATE TABLE queue_plain (
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
INSERT INTO queue_plain (id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts,
  queued_at, next_at)
  SELECT id, account_id, submission_id, mail_from, recipient, domain, blob_id, attempts, queued_at, next_at
  FROM queue;
DROP TABLE queue;
ALTER TABLE queue_plain RENAME TO queue;
CREATE INDEX queue_due ON queue (next_at);
CREATE INDEX queue_blob ON queue (blob_id);

CREATE TABLE loose_files (
  blob_id TEXT NOT NULL PRIMARY KEY
);
INSERT INTO loose_files (blob_id) SELECT id FROM blobs WHERE refs = 0 AND in_file = 1;
DROP INDEX blobs_idle;
DELETE FROM blob_data WHERE blob_id IN (SELECT id FROM blobs WHERE refs = 0);
DELETE FROM blobs WHERE refs = 0;
ALTER TABLE blobs ADD COLUMN data BLOB;
UPDATE blobs SET data = (SELECT d.data FROM blob_data d WHERE d.blob_id = blobs.id);
DROP TABLE blob_data;
ALTER TABLE blobs DROP COLUMN idle_since;
ALTER TABLE blobs DROP COLUMN refs;
ALTER TABLE blobs DROP COLUMN in_file;
