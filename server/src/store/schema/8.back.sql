DROP INDEX emails_received;
CREATE INDEX emails_received ON emails (account_id, received_at, id);
