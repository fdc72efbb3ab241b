-- Without the tenant: Twilio is asked what it has for a number.
CREATE INDEX emulated_messages_to ON emulated_messages (channel, recipient, taken_at);
