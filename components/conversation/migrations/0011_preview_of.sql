-- Which message the preview shows: one that comes hours late is not the newest, whatever its number.
ALTER TABLE conversations ADD COLUMN preview_seq INTEGER NOT NULL DEFAULT 0;
UPDATE conversations SET preview_seq = last_seq;
