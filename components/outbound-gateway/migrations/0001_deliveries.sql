-- One row per order to send a message. An attempt is written down before the provider is called, so that after a crash it is known
-- that one was under way.
CREATE TABLE deliveries (
  tenant_id   TEXT    NOT NULL,
  -- The event that ordered it: sending again is another event, its repetition is not.
  event_id    TEXT    NOT NULL,
  message_id  TEXT    NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('ready', 'calling', 'ended')),
  attempts    INTEGER NOT NULL,
  -- ready: when the next attempt is due. calling: until when its attempt is left alone.
  until       INTEGER NOT NULL,
  -- Channel, account, and how it ended or what its last fault was, as JSON.
  outcome     TEXT,
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, event_id)
) WITHOUT ROWID;
CREATE INDEX deliveries_by_message ON deliveries (tenant_id, message_id);
-- Without the tenant: what is old is forgotten for all tenants at once.
CREATE INDEX deliveries_by_age ON deliveries (created_at);

-- Accounts that sent nothing more after their provider refused them as a whole.
CREATE TABLE channel_stops (
  tenant_id   TEXT    NOT NULL,
  channel     TEXT    NOT NULL,
  channel_account_id TEXT NOT NULL,
  code        TEXT,
  reason      TEXT    NOT NULL,
  -- Of the settings that were refused: other settings are another try.
  fingerprint TEXT    NOT NULL,
  stopped_at  INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, channel, channel_account_id)
) WITHOUT ROWID;
