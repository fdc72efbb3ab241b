-- Which tenant an account of ours on a channel belongs to. An account that is not listed belongs to the tenant `default`.
CREATE TABLE channel_accounts (
  tenant_id   TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  provider_id TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, kind, provider_id)
) WITHOUT ROWID;

-- The one question that is asked before the tenant is known; and one account has one tenant.
CREATE UNIQUE INDEX channel_accounts_owner ON channel_accounts (kind, provider_id);

-- Every signed webhook, raw, before anything is done with it. The body stands last, so that a long one slows nobody who reads the rest.
CREATE TABLE webhook_deliveries (
  tenant_id   TEXT    NOT NULL,
  id          TEXT    NOT NULL,
  channel     TEXT    NOT NULL,
  channel_account_id TEXT,
  received_at INTEGER NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('pending', 'done', 'rejected', 'failed')),
  -- Of a pending one: until when it is left alone, because somebody works on it or it waits for its next attempt.
  lease_until INTEGER,
  attempts    INTEGER NOT NULL,
  outcome     TEXT,
  headers     TEXT    NOT NULL,
  body        BLOB    NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- The two queues of the tick are the platform's, not a tenant's, so they are the only indexes that do not begin with one.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (lease_until) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (received_at) WHERE state IN ('done', 'rejected');
