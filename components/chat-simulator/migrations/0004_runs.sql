-- A run: its order (chaos in thousandths), how far it is, and its report when it is done. A lease keeps two instances apart.
CREATE TABLE runs (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  customers INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  chaos INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  state TEXT NOT NULL,
  position INTEGER NOT NULL,
  report TEXT,
  lease_until INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
-- Without the tenant: whoever goes on with runs does so for all tenants.
CREATE INDEX runs_unfinished ON runs (lease_until) WHERE state <> 'done';

-- What came of each part of an unfinished run, as JSON.
CREATE TABLE run_slices (
  tenant_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  results TEXT NOT NULL,
  PRIMARY KEY (tenant_id, run_id, position)
);
