-- How many messages up to one came from outside: counted along this index, when a conversation is marked as read.
CREATE INDEX messages_inbound ON messages (tenant_id, conversation_id, seq) WHERE direction = 'inbound';
