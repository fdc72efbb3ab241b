-- Where a tenant wants its events. `next_at` is when the first of its waiting deliveries is due; a lease keeps two instances apart.
CREATE TABLE webhook_endpoints (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  description TEXT,
  status TEXT NOT NULL,
  disabled_reason TEXT,
  secret TEXT NOT NULL,
  old_secrets TEXT NOT NULL,
  failing_since INTEGER,
  next_at INTEGER,
  lease_until INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
-- Without the tenant: who delivers works for all tenants at once.
CREATE INDEX webhook_endpoints_due ON webhook_endpoints (next_at) WHERE status = 'enabled' AND next_at IS NOT NULL;

-- The body as it is signed and sent, once for all endpoints of the tenant.
CREATE TABLE webhook_events (
  tenant_id TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
-- Without the tenant: the sweep of old events is the platform's, over all tenants at once.
CREATE INDEX webhook_events_by_age ON webhook_events (created_at);

-- One event on its way to one endpoint. By hand (`resend`): where it returns to when that attempt fails.
CREATE TABLE webhook_deliveries (
  tenant_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at INTEGER,
  resumes_as TEXT,
  resumes_at INTEGER,
  PRIMARY KEY (tenant_id, endpoint_id, event_id)
) WITHOUT ROWID;
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (tenant_id, endpoint_id, next_at) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (tenant_id, event_id);

CREATE TABLE webhook_attempts (
  tenant_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  type TEXT NOT NULL,
  number INTEGER NOT NULL,
  by_hand INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  status_code INTEGER,
  error TEXT,
  answer TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, endpoint_id, id)
) WITHOUT ROWID;
-- Without the tenant: the sweep of old attempts is the platform's, over all tenants at once.
CREATE INDEX webhook_attempts_by_age ON webhook_attempts (at);
