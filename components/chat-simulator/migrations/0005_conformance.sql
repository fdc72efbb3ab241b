-- The newest conformance report of each channel.
CREATE TABLE conformance (
  tenant_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  report TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, channel)
);
