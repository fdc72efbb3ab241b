-- A simulated customer in its conversation. Who saves names the `version` that it read.
CREATE TABLE personas (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  scenario TEXT NOT NULL,
  seed INTEGER NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  phone TEXT NOT NULL,
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  throws INTEGER NOT NULL,
  version INTEGER NOT NULL,
  -- How often it still answers the agent by itself, and how fast: 1000 is as people are, 0 is at once.
  answers_left INTEGER NOT NULL,
  pace INTEGER NOT NULL,
  -- JSON: the last lines of both sides, the oldest first.
  lines TEXT NOT NULL,
  -- When it speaks by itself; a lease keeps two instances apart.
  due_at INTEGER,
  lease_until INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
-- Without the tenant: a provider knows accounts and numbers, and no tenant.
CREATE INDEX personas_by_number ON personas (channel, account, phone);
-- Without the tenant: who speaks for personas does so for all tenants at once.
CREATE INDEX personas_due ON personas (due_at) WHERE due_at IS NOT NULL;
