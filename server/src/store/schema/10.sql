-- What cannot be sent at its time is tried again less and less often, and returned in the end: since when, and how often.
ALTER TABLE held ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE held ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
UPDATE held SET due_at = send_at;

-- Who changes a password ends the sessions of one account.
CREATE INDEX sessions_account ON sessions (account_id);

-- Of all destinations that ever failed, few are paused.
CREATE INDEX destinations_until ON destinations (until_at, domain);
