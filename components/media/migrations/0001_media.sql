-- What is kept of an attachment, and of its bytes. Ids are UUIDv7: ordered by id is ordered by age.

-- Bytes that are here in full: once per tenant, however many attachments show them. The id is that of the upload which brought them.
CREATE TABLE contents (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  mime_type TEXT NOT NULL,
  width INTEGER,
  height INTEGER,
  uses INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX contents_by_hash ON contents (tenant_id, sha256);

-- The bytes themselves, in pieces of 256 KiB.
CREATE TABLE chunks (
  tenant_id TEXT NOT NULL,
  content_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (tenant_id, content_id, number)
);

-- Pictures made of pictures.
CREATE TABLE variants (
  tenant_id TEXT NOT NULL,
  content_id TEXT NOT NULL,
  name TEXT NOT NULL,
  mime_type TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (tenant_id, content_id, name)
);

-- Uploads that have not ended: what has arrived of them is in `chunks`, and nobody sees it.
CREATE TABLE uploads (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE media (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  -- pending: the bytes are still on their way; ready; failed.
  status TEXT NOT NULL,
  failure TEXT,
  content_id TEXT,
  conversation_id TEXT,
  owner_service TEXT,
  -- The caller's own reference: the same one again is the same attachment.
  reference TEXT,
  filename TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX media_of_conversation ON media (tenant_id, conversation_id, id) WHERE conversation_id IS NOT NULL;
CREATE UNIQUE INDEX media_by_reference ON media (tenant_id, reference) WHERE reference IS NOT NULL;
