-- What a request with an Idempotency-Key was answered. No status yet: it is still running, and the claim counts for a minute.
CREATE TABLE idempotency_keys (
  tenant_id TEXT NOT NULL,
  principal TEXT NOT NULL,
  key TEXT NOT NULL,
  payload_hash TEXT NOT NULL,
  status INTEGER,
  body TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, principal, key)
);
-- Without the tenant: the sweep of old keys is the platform's, over all tenants at once.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
