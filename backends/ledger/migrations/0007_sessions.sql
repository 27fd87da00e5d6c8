-- The conversation and the run that a request belongs to, "" in rows from before, and what the cloud alone would have
-- cost with its own cache of the conversation's beginning; NULL: not known, so the baseline stands for it.
ALTER TABLE requests ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN run TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN cached_baseline_usd TEXT;
ALTER TABLE admissions ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE admissions ADD COLUMN run TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN session TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN run TEXT NOT NULL DEFAULT '';
CREATE INDEX charges_by_session ON charges (session, charged_at) WHERE session <> '';
CREATE INDEX charges_by_run ON charges (run, charged_at) WHERE run <> '';

-- Sums over the final rows of a session, written with each of them. They stay when the rows go.
CREATE TABLE sessions (
    session             TEXT NOT NULL,
    agent               TEXT NOT NULL,
    client              TEXT NOT NULL,  -- the program that sent it, "" where that is not known
    run                 TEXT NOT NULL,  -- the last one that was named
    started_at          TEXT NOT NULL,
    last_at             TEXT NOT NULL,
    turns               INTEGER NOT NULL,
    asks                INTEGER NOT NULL,  -- turns that did not go on with a tool's result
    failed              INTEGER NOT NULL,
    input_tokens        INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    thinking_tokens     INTEGER NOT NULL,
    cost_usd            TEXT NOT NULL,
    own_cost_usd        TEXT NOT NULL,
    baseline_usd        TEXT NOT NULL,
    cached_baseline_usd TEXT NOT NULL,
    exact_cache_usd     TEXT NOT NULL,
    semantic_cache_usd  TEXT NOT NULL,
    provider_cache_usd  TEXT NOT NULL,
    engines             TEXT NOT NULL,  -- with commas, in the order of their first answers
    PRIMARY KEY (session, agent)
) STRICT, WITHOUT ROWID;

CREATE VIEW sessions_v1 AS
SELECT session, agent, client, run, started_at, last_at, turns, asks, input_tokens, cached_input_tokens,
       iif(input_tokens > 0, round(1.0 * cached_input_tokens / input_tokens, 4), NULL) AS cached_share,
       output_tokens, thinking_tokens, cost_usd, baseline_usd, engines, cached_baseline_usd
FROM sessions;

ALTER TABLE rollups ADD COLUMN failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollups ADD COLUMN cached_baseline_usd TEXT NOT NULL DEFAULT '0';
UPDATE rollups SET cached_baseline_usd = baseline_usd;
UPDATE rollups SET failed = found.failed
FROM (SELECT substr(started_at, 1, 13) AS hour, agent, engine, zone, model, intent, cache, coalesce(tag, '') AS tag,
             count(*) AS failed
      FROM requests WHERE finish = 'error' AND rowid <= (SELECT seen_to FROM rollups_reach)
      GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS found
WHERE (rollups.hour, rollups.agent, rollups.engine, rollups.zone, rollups.model, rollups.intent, rollups.cache,
       rollups.tag)
    = (found.hour, found.agent, found.engine, found.zone, found.model, found.intent, found.cache, found.tag);

-- Requests that were refused before any engine was called, by the hour (UTC).
CREATE TABLE refusals (
    hour   TEXT NOT NULL,
    agent  TEXT NOT NULL,
    reason TEXT NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (hour, agent, reason)
) STRICT, WITHOUT ROWID;

CREATE VIEW refusals_v1 AS
SELECT hour, agent, reason, count FROM refusals;

DROP VIEW requests_v1;
CREATE VIEW requests_v1 AS
SELECT id, started_at, agent, engine, model, intent, complexity, sensitive, cache, finish,
       input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd,
       ttft_ms, latency_ms, attempts, usage_estimated, prompt_hash, tag, own_cost_usd, price_source, notes, zone,
       session, run
FROM requests;
