-- postgres:
DROP INDEX emails_arrived;
CREATE INDEX emails_arrived ON emails (account_id, received_at, id) INCLUDE (thread_id, size);
-- both:
ALTER TABLE account_blobs DROP COLUMN uploaders;
ALTER TABLE mailboxes ADD COLUMN is_subscribed BIGINT NOT NULL DEFAULT 1;
UPDATE mailboxes SET is_subscribed = 0 WHERE id IN (
  SELECT s.mailbox_id FROM mailbox_subscriptions s
  WHERE s.account_id = mailboxes.account_id AND s.member_id = s.account_id AND s.is_subscribed = 0);
DROP TABLE mailbox_subscriptions;
