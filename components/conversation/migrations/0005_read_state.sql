-- How far a conversation is read. `unread_count` counts every message from outside that was touched, each once, and only grows;
-- `read_inbound` is how many of those are at or below `read_seq`. What is unread is the difference: it is right in whatever order
-- touches and readings come, also for a message that was read before its touch came.
ALTER TABLE conversations ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN read_inbound INTEGER NOT NULL DEFAULT 0;
