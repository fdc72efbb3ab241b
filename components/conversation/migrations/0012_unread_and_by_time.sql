-- Lists of what is unread, which is little, and by the time of creation within a period.
CREATE INDEX conversations_by_time ON conversations (tenant_id, created_at, id);
CREATE INDEX conversations_unread ON conversations (tenant_id, activity_at, id) WHERE unread_count > read_inbound;
CREATE INDEX conversations_unread_by_time ON conversations (tenant_id, created_at, id) WHERE unread_count > read_inbound;
