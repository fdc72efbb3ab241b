-- Events that have had their effect here: what comes again has none. Written in the transaction of the effect.
CREATE TABLE consumed_events (
  tenant_id TEXT NOT NULL,
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  consumed_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, source, event_id)
);
-- Without the tenant: the sweep of old ones is the platform's, over all tenants at once.
CREATE INDEX consumed_events_by_age ON consumed_events (consumed_at);
