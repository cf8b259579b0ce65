-- Blobs are counted: what nobody refers to goes after a while. Small contents have a table of their
-- own, so that counting does not write them again.
CREATE TABLE blob_data (
  blob_id TEXT NOT NULL PRIMARY KEY,
  data BLOB NOT NULL
);
INSERT INTO blob_data (blob_id, data) SELECT id, data FROM blobs WHERE data IS NOT NULL;
ALTER TABLE blobs ADD COLUMN in_file BIGINT NOT NULL DEFAULT 0;
ALTER TABLE blobs ADD COLUMN refs BIGINT NOT NULL DEFAULT 0;
ALTER TABLE blobs ADD COLUMN idle_since BIGINT NOT NULL DEFAULT 0;
UPDATE blobs SET in_file = CASE WHEN data IS NULL THEN 1 ELSE 0 END,
  refs = (SELECT COUNT(*) FROM account_blobs a WHERE a.blob_id = blobs.id)
       + (SELECT COUNT(*) FROM queue q WHERE q.blob_id = blobs.id);
ALTER TABLE blobs DROP COLUMN data;
INSERT INTO blobs (id, size, in_file, refs, idle_since)
  SELECT blob_id, 0, 1, 0, 0 FROM loose_files WHERE blob_id NOT IN (SELECT id FROM blobs);
CREATE INDEX blobs_idle ON blobs (idle_since) WHERE refs = 0;
DROP TABLE loose_files;

-- The queue is shared by processes: who works on an entry has it on lease.
CREATE TABLE queue_leased (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  submission_id TEXT,
  mail_from TEXT NOT NULL,
  recipient TEXT NOT NULL,
  domain TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  queued_at BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  held BIGINT NOT NULL,
  reply TEXT,
  leased_by TEXT,
  leased_until BIGINT NOT NULL,
  PRIMARY KEY (account_id, id)
);
INSERT INTO queue_leased (account_id, id, submission_id, mail_from, recipient, domain, blob_id, attempts,
  queued_at, next_at, held, leased_until)
  SELECT account_id, id, submission_id, mail_from, recipient, domain, blob_id, attempts, queued_at, next_at,
  0, 0 FROM queue;
DROP TABLE queue;
ALTER TABLE queue_leased RENAME TO queue;
CREATE INDEX queue_due ON queue (next_at) WHERE held = 0 AND leased_by IS NULL;
CREATE INDEX queue_blob ON queue (blob_id);

CREATE TABLE processes (
  id TEXT NOT NULL PRIMARY KEY,
  started_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);

-- What an account may keep, and what it keeps; and since when its changes are known, for an account that
-- was restored has others than its clients saw.
ALTER TABLE accounts ADD COLUMN changes_since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN quota BIGINT;
ALTER TABLE accounts ADD COLUMN used BIGINT NOT NULL DEFAULT 0;
UPDATE accounts SET
  used = (SELECT CAST(COALESCE(SUM(e.size), 0) AS BIGINT) FROM emails e WHERE e.account_id = accounts.id);
