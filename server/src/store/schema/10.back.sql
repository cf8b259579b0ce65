DROP INDEX destinations_until;
ALTER TABLE held DROP COLUMN attempts;
ALTER TABLE held DROP COLUMN due_at;
