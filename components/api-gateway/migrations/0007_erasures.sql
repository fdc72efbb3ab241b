-- Deleted tenants whose data is still somewhere: one row per service, until it has said twice that nothing is left.
CREATE TABLE erasures (
    tenant_id TEXT    NOT NULL,
    service   TEXT    NOT NULL,                -- a component
    rounds    INTEGER NOT NULL,                -- how often it is still asked: what was on its way may come after the first time
    due_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, service)
) WITHOUT ROWID;

-- Without the tenant: the work is the platform's, over all tenants at once.
CREATE INDEX erasures_by_time ON erasures (due_at);

-- Tenants that were deleted before this: their data goes, too.
INSERT INTO erasures (tenant_id, service, rounds, due_at)
SELECT t.tenant_id, s.value, 2, 0 FROM tenants t, json_each('["api-gateway","inbound-gateway","outbound-gateway","notification","messaging","conversation","customer","media","chat-simulator"]') s
WHERE t.deleted_at IS NOT NULL;
