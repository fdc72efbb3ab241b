-- What became of forgetting a customer: when it was asked for, which services are done, and how much each removed. Nothing of the person.
CREATE TABLE erasures (
  tenant_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, customer_id)
) WITHOUT ROWID;
CREATE TABLE erasure_services (
  tenant_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  service TEXT NOT NULL,
  done_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, service)
) WITHOUT ROWID;
CREATE TABLE erasure_counts (
  tenant_id TEXT NOT NULL,
  customer_id TEXT NOT NULL,
  service TEXT NOT NULL,
  what TEXT NOT NULL,
  removed INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, customer_id, service, what)
) WITHOUT ROWID;
