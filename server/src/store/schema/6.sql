-- What goes first, how the other side was asked to send it on, and what kept it.
ALTER TABLE queue ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';
ALTER TABLE queue ADD COLUMN reason TEXT;
ALTER TABLE queue ADD COLUMN host TEXT;
ALTER TABLE queue ADD COLUMN delay_told BIGINT NOT NULL DEFAULT 0;
CREATE INDEX queue_ready ON queue (priority, next_at) WHERE held = 0 AND leased_by IS NULL;
ALTER TABLE held ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';

-- What came back about a submission.
ALTER TABLE submissions ADD COLUMN dsn_blobs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE submissions ADD COLUMN mdn_blobs TEXT NOT NULL DEFAULT '[]';

-- Domains whose servers failed of late: all mail for them waits.
CREATE TABLE destinations (
  domain TEXT NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  until_at BIGINT NOT NULL,
  reason TEXT NOT NULL
);

-- What domains say about their mail servers (RFC 8461).
CREATE TABLE sts_policies (
  domain TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  policy TEXT NOT NULL,
  expires_at BIGINT NOT NULL
);
