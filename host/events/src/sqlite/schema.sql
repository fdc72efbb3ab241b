-- The events' own file. Order is `position`; a subscription is a small number; a partition is the hash of tenant and key.

CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- Every event that was taken within the retention, so that a second copy is recognised.
CREATE TABLE known (
    position INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    event_id TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    UNIQUE (source, event_id)
) STRICT;

-- What deliveries and dead letters still need: `open` counts them, the last one takes the event along.
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    attributes TEXT NOT NULL,
    data BLOB NOT NULL,
    open INTEGER NOT NULL
) STRICT;

-- What waits. Only the first of each partition has a due time, so the index of those is all that a claim looks at, however
-- long the queues behind them are.
CREATE TABLE deliveries (
    subscription INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER,
    PRIMARY KEY (subscription, partition, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX heads ON deliveries (subscription, due) WHERE due IS NOT NULL;

CREATE TABLE dead_letters (
    id TEXT PRIMARY KEY,
    subscription INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    status INTEGER,
    reason TEXT NOT NULL,
    died_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letters_of_subscription ON dead_letters (subscription, position);
CREATE INDEX dead_letters_of_tenant ON dead_letters (tenant, id);

PRAGMA user_version = 1;
