-- Ids are UUIDv7: ordered by id is ordered by age, so the primary key serves the list.
CREATE TABLE customers (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  external_type TEXT NOT NULL,
  external_id TEXT NOT NULL,
  name TEXT,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX customers_by_external_id ON customers (tenant_id, external_type, external_id);
CREATE INDEX customers_by_type ON customers (tenant_id, external_type, id);

-- How a channel account knows a customer. The primary key is what makes one contact one customer, however many ask at once.
CREATE TABLE identities (
  tenant_id TEXT NOT NULL,
  channel_account_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, channel_account_id, kind, value)
) WITHOUT ROWID;
CREATE INDEX identities_by_customer ON identities (tenant_id, customer_id);
