-- How many bytes of files a tenant may keep. NULL: what the deployment says. `media_quota_told` is 0 until media knows.
ALTER TABLE tenants ADD COLUMN media_quota_bytes INTEGER;
ALTER TABLE tenants ADD COLUMN media_quota_told INTEGER NOT NULL DEFAULT 1;
-- Without the tenant first: what media is to be told is the platform's, over all tenants at once.
CREATE INDEX tenants_by_untold_quota ON tenants (media_quota_told, tenant_id) WHERE media_quota_told = 0;
