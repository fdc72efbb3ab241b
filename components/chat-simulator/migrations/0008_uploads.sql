-- Uploads are kept with their bytes, in pieces, so that they can be fetched again. What was uploaded before has none.
ALTER TABLE emulated_uploads ADD COLUMN mime_type TEXT NOT NULL DEFAULT '';
ALTER TABLE emulated_uploads ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
CREATE TABLE emulated_pieces (
  tenant_id TEXT NOT NULL,
  upload_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  uploaded_at INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (tenant_id, upload_id, number)
);
-- The sweep goes over all tenants at once.
CREATE INDEX emulated_pieces_by_age ON emulated_pieces (uploaded_at);
