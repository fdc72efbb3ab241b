-- Of a tenant's stopped accounts only the newest are kept.
CREATE INDEX channel_stops_by_age ON channel_stops (tenant_id, stopped_at);
