DROP INDEX account_blobs_idle;
CREATE INDEX account_blobs_idle ON account_blobs (in_use, account_id, added_at);
CREATE INDEX account_blobs_blob ON account_blobs (blob_id);
-- The contents are unpacked by then.
ALTER TABLE blob_data DROP COLUMN packed;
ALTER TABLE emails DROP COLUMN subject;
