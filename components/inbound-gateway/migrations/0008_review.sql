-- What operators look for among their tenant's deliveries, newest first.
CREATE INDEX webhook_deliveries_ended_badly ON webhook_deliveries (tenant_id, state, id) WHERE state IN ('rejected', 'failed');
CREATE INDEX webhook_deliveries_with_rejected ON webhook_deliveries (tenant_id, id) WHERE instr(outcome, '"outcome":"rejected"') > 0;
-- Without the tenant: what failed is forgotten for all tenants at once, later than what went well.
CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (received_at) WHERE state = 'failed';

-- Without the tenant: what is old is forgotten for all tenants at once, also what still waits.
CREATE INDEX attachments_by_age ON attachments (created_at);
DROP INDEX attachments_old;
