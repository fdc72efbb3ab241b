-- Lists over all conversations: by the time at which messages were stored, and of what is not settled (failed, unknown, still queued).
CREATE INDEX messages_by_time ON messages (tenant_id, created_at, id);
CREATE INDEX messages_unsettled ON messages (tenant_id, status, created_at, id) WHERE status IN ('queued', 'unknown', 'failed');
