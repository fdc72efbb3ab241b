-- How many bytes of files each tenant has, and how many it may have. Counted with each content, in its transaction.
CREATE TABLE usage (
  tenant_id TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  quota_bytes INTEGER, -- NULL: the deployment's
  PRIMARY KEY (tenant_id)
);
INSERT INTO usage (tenant_id, bytes) SELECT tenant_id, sum(size) FROM contents GROUP BY tenant_id;
CREATE TRIGGER count_content AFTER INSERT ON contents
BEGIN
  INSERT INTO usage (tenant_id, bytes) VALUES (NEW.tenant_id, NEW.size)
  ON CONFLICT (tenant_id) DO UPDATE SET bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER uncount_content AFTER DELETE ON contents
BEGIN
  UPDATE usage SET bytes = max(0, bytes - OLD.size) WHERE tenant_id = OLD.tenant_id;
END;
