-- Records that wait for their delivery. Times are milliseconds since 1970. The payload comes last, so that the other
-- columns are read without it.
CREATE TABLE waiting (
  seq INTEGER PRIMARY KEY,      -- in the order received
  id BLOB NOT NULL,             -- the callback id
  callback TEXT NOT NULL,       -- its key in webhooks.yml
  key TEXT,                     -- records of one key are delivered one after the other
  received INTEGER NOT NULL,
  due INTEGER,                  -- the time of the next attempt; NULL before the first one, and after a replay
  command TEXT NOT NULL,
  operation_id TEXT NOT NULL,
  traceparent BLOB,
  attempted INTEGER NOT NULL,   -- the number of attempts
  attempts TEXT NOT NULL,       -- the time of each of the last 100, in 13 digits, and a space
  status TEXT,                  -- the failure of the last one
  payload BLOB NOT NULL
) STRICT;

-- All rows, so that they can be counted by it.
CREATE INDEX waiting_key ON waiting (key, seq);
-- By callback, so that what is due for one decider is found without that for others.
CREATE INDEX waiting_due ON waiting (callback, due) WHERE due IS NOT NULL;

-- Records that are no longer attempted: dead, ignored, delivered.
CREATE TABLE settled (
  seq INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  settled INTEGER NOT NULL,     -- the time of the last attempt
  id BLOB NOT NULL,
  callback TEXT NOT NULL,
  key TEXT,
  received INTEGER NOT NULL,
  command TEXT NOT NULL,
  operation_id TEXT NOT NULL,
  traceparent BLOB,
  attempted INTEGER NOT NULL,
  attempts TEXT NOT NULL,
  status TEXT,
  payload BLOB NOT NULL
) STRICT;

CREATE INDEX settled_state ON settled (state, settled);
