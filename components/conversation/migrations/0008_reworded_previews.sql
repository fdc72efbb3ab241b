-- When the words of the newest message were changed last; NULL: they are as they were sent.
ALTER TABLE conversations ADD COLUMN reworded_at INTEGER;
