-- Senders that nobody here knew of late, and networks that proved to be mail servers; both by keyed hashes.
CREATE TABLE greylist (
  mark TEXT NOT NULL PRIMARY KEY,
  open_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX greylist_ended ON greylist (expires_at);
