-- What the cost belongs to, in the caller's own word.
ALTER TABLE requests ADD COLUMN tag TEXT;

-- Sums of final rows by the hour (UTC) in which they started, so that reports need not read every row, and rows may go.
CREATE TABLE rollups (
    hour                  TEXT NOT NULL,
    agent                 TEXT NOT NULL,
    engine                TEXT NOT NULL,
    model                 TEXT NOT NULL,
    intent                TEXT NOT NULL,
    cache                 TEXT NOT NULL,
    tag                   TEXT NOT NULL,  -- "" for none
    requests              INTEGER NOT NULL,
    input_tokens          INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    thinking_tokens       INTEGER NOT NULL,
    cached_input_tokens   INTEGER NOT NULL,
    cost_usd              TEXT NOT NULL,
    baseline_usd          TEXT NOT NULL,
    provider_discount_usd TEXT NOT NULL,
    PRIMARY KEY (hour, agent, engine, model, intent, cache, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollups_reach (
    seen_to   INTEGER NOT NULL,  -- the last row that they hold
    rows_from TEXT NOT NULL      -- rows that started earlier have been deleted; "" where none has
) STRICT;
INSERT INTO rollups_reach VALUES (0, '');
