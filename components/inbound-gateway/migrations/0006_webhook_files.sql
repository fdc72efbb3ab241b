-- Files that webhooks carried in their bodies, cut out of them: in pieces, until `media` has them.
CREATE TABLE webhook_files (
  tenant_id   TEXT    NOT NULL,
  delivery_id TEXT    NOT NULL,
  file        INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  bytes       BLOB    NOT NULL,
  PRIMARY KEY (tenant_id, delivery_id, file, number)
);

-- They go with their delivery, however it goes.
CREATE TRIGGER webhook_files_go AFTER DELETE ON webhook_deliveries
BEGIN
  DELETE FROM webhook_files WHERE tenant_id = OLD.tenant_id AND delivery_id = OLD.id;
END;

-- Files whose delivery is not there yet. What still stands here after an hour came to nothing.
CREATE TABLE webhook_uploads (
  tenant_id   TEXT    NOT NULL,
  delivery_id TEXT    NOT NULL,
  begun_at    INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, delivery_id)
) WITHOUT ROWID;

-- Without the tenant: the sweep is the platform's, over all tenants at once.
CREATE INDEX webhook_uploads_old ON webhook_uploads (begun_at);
