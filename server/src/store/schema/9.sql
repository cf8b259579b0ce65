-- Keywords are bounded now, so that what PostgreSQL keeps in an index has room for them, too. What goes beyond no program
-- ever wrote. Made before the old index is dropped: until then others go on reading.
UPDATE emails SET keywords = SUBSTR(keywords, 1, 1990) WHERE LENGTH(keywords) > 1990;
-- postgres:
CREATE INDEX emails_arriving ON emails (account_id, received_at, id) INCLUDE (thread_id, size, keywords);
DROP INDEX emails_arrived;
ALTER INDEX emails_arriving RENAME TO emails_arrived;
-- both:

-- Whoever may open an account subscribes to its mailboxes for themselves; they keep what they saw until now. Who never
-- said so is subscribed to all mailboxes of their own account, and to none of another's.
CREATE TABLE mailbox_subscriptions (
  account_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  mailbox_id TEXT NOT NULL,
  is_subscribed BIGINT NOT NULL,
  updated_state BIGINT NOT NULL,
  PRIMARY KEY (account_id, member_id, mailbox_id)
);
INSERT INTO mailbox_subscriptions (account_id, member_id, mailbox_id, is_subscribed, updated_state)
  SELECT account_id, account_id, id, 0, 0 FROM mailboxes WHERE is_subscribed = 0
  UNION ALL
  SELECT m.account_id, s.member_id, m.id, 1, 0 FROM mailboxes m JOIN shares s ON s.account_id = m.account_id
  WHERE m.is_subscribed = 1;

-- The ids of those who uploaded what nothing refers to yet: nobody else sees it.
ALTER TABLE account_blobs ADD COLUMN uploaders TEXT NOT NULL DEFAULT '';
UPDATE account_blobs SET uploaders = account_id WHERE in_use = 0;

-- Last, for it keeps others from reading.
ALTER TABLE mailboxes DROP COLUMN is_subscribed;
