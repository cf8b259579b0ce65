-- Searches read this index alone, in order of arrival, and no row of an email. What PostgreSQL keeps in an index is
-- bounded in length, which keywords are not. Made before the old one is dropped: until then others go on reading.
-- sqlite:
CREATE INDEX emails_arrived ON emails (account_id, received_at, id, thread_id, size, keywords);
-- postgres:
CREATE INDEX emails_arrived ON emails (account_id, received_at, id) INCLUDE (thread_id, size);
-- both:
DROP INDEX emails_received;
