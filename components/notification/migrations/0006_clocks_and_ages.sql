-- When the time of its next attempt was set: one that lies ahead was set by a wrong clock, and so was the attempt's time.
ALTER TABLE webhook_deliveries ADD COLUMN set_at INTEGER NOT NULL DEFAULT 0;
-- Without the tenant: clocks are the platform's, over all tenants at once.
CREATE INDEX webhook_deliveries_set ON webhook_deliveries (set_at) WHERE status = 'waiting';
-- Without the tenant: the sweep of old notifications is the platform's, over all tenants at once.
CREATE INDEX notifications_by_age ON notifications (created_at);
