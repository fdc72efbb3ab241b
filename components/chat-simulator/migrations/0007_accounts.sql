-- The channel accounts that the simulator has registered for a tenant. Their secrets are made of the deployment's, and not kept.
CREATE TABLE accounts (
  tenant_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  -- In inbound-gateway, with the version that was left there, and of which secret its credentials are.
  id TEXT NOT NULL,
  version TEXT NOT NULL,
  key_id TEXT NOT NULL,
  PRIMARY KEY (tenant_id, channel)
);
-- Without the tenant: a provider knows accounts, and no tenant.
CREATE UNIQUE INDEX accounts_by_name ON accounts (channel, provider_id);
