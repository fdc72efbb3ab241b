-- Bytes may be in a bucket instead of in `chunks` and `variants`: `storage` says where.

ALTER TABLE contents ADD COLUMN storage TEXT NOT NULL DEFAULT 'database';
-- `started_at` 0: its bytes were shown once, or it was given up; they are in the bucket, and are to be removed from there.
ALTER TABLE uploads ADD COLUMN storage TEXT NOT NULL DEFAULT 'database';
-- The bucket's id of an upload in parts; empty while that is being asked for.
ALTER TABLE uploads ADD COLUMN multipart_id TEXT;
-- Of a variant whose bytes are in the bucket; else its bytes have it.
ALTER TABLE variants ADD COLUMN size INTEGER;
