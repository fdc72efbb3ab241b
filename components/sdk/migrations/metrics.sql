-- What a service counts, for its operators. The service's triggers count, in the transaction of what they count. One tenant, the platform's `*`.
CREATE TABLE metrics (
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL,
  labels TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, name, labels)
) WITHOUT ROWID;
