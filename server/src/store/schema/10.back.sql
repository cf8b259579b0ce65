DROP INDEX destinations_until;
DROP INDEX sessions_account;
ALTER TABLE held DROP COLUMN attempts;
ALTER TABLE held DROP COLUMN due_at;
