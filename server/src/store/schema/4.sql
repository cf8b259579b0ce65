DELETE FROM push_subscriptions;
ALTER TABLE push_subscriptions ADD COLUMN credential TEXT NOT NULL DEFAULT '';
