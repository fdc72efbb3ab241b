-- When a customer was heard last on an account: how long a channel lets us answer freely follows from it.
CREATE INDEX messages_heard_from ON messages (tenant_id, channel_account_id, sender_customer_id, sent_at)
  WHERE direction = 'inbound';
