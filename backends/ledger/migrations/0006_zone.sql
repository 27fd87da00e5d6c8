-- Where an answer came from: "local" or "cloud". Rows from before say it by their engine's name, and what the cache
-- answered is local. The column is computed, so that no old row has to be written again.
ALTER TABLE requests ADD COLUMN recorded_zone TEXT;
ALTER TABLE requests ADD COLUMN zone TEXT GENERATED ALWAYS AS
    (coalesce(recorded_zone, iif(engine IN ('local', 'cache'), 'local', 'cloud'))) VIRTUAL;
ALTER TABLE reservations ADD COLUMN zone TEXT;  -- NULL in rows from before

-- An engine may move to another zone within an hour, so the zone is part of a sum's key.
CREATE TABLE rollups_with_zone (
    hour                  TEXT NOT NULL,
    agent                 TEXT NOT NULL,
    engine                TEXT NOT NULL,
    zone                  TEXT NOT NULL,
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
    own_cost_usd          TEXT NOT NULL,
    provider_discount_usd TEXT NOT NULL,
    PRIMARY KEY (hour, agent, engine, zone, model, intent, cache, tag)
) STRICT, WITHOUT ROWID;
INSERT INTO rollups_with_zone
SELECT hour, agent, engine, iif(engine IN ('local', 'cache'), 'local', 'cloud'), model, intent, cache, tag, requests,
       input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd, own_cost_usd,
       provider_discount_usd
FROM rollups;
DROP TABLE rollups;
ALTER TABLE rollups_with_zone RENAME TO rollups;

DROP VIEW requests_v1;
CREATE VIEW requests_v1 AS
SELECT id, started_at, agent, engine, model, intent, complexity, sensitive, cache, finish,
       input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd,
       ttft_ms, latency_ms, attempts, usage_estimated, prompt_hash, tag, own_cost_usd, price_source, notes, zone
FROM requests;
