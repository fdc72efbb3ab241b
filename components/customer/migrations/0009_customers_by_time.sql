-- Lists by the time of creation, in both directions and within a period.
CREATE INDEX customers_by_time ON customers (tenant_id, created_at, id);
CREATE INDEX customers_by_type_and_time ON customers (tenant_id, external_type, created_at, id);
DROP INDEX customers_by_type;
