-- A request that was admitted and has not ended: its promise to the budgets, kept here until its final row exists.
CREATE TABLE admissions (
    id           TEXT PRIMARY KEY,
    started_at   TEXT NOT NULL,
    charged_at   TEXT NOT NULL,  -- the moment of admission, never earlier than any before it: budget windows go by it
    source       TEXT NOT NULL,
    agent        TEXT NOT NULL,
    engine       TEXT NOT NULL,
    model        TEXT NOT NULL,
    intent       TEXT NOT NULL,
    complexity   REAL NOT NULL,
    sensitive    INTEGER NOT NULL,
    prompt_hash  TEXT,
    input_tokens INTEGER NOT NULL
) STRICT;

CREATE TABLE reservations (
    id     TEXT NOT NULL,
    engine TEXT NOT NULL,
    model  TEXT NOT NULL,
    usd    TEXT NOT NULL
) STRICT;
CREATE INDEX reservations_by_id ON reservations (id);

-- Final rows. They are written once and never changed.
CREATE TABLE requests (
    id                  TEXT PRIMARY KEY,
    started_at          TEXT NOT NULL,
    charged_at          TEXT NOT NULL,
    source              TEXT NOT NULL,
    agent               TEXT NOT NULL,
    engine              TEXT NOT NULL,
    model               TEXT NOT NULL,
    intent              TEXT NOT NULL,
    complexity          REAL NOT NULL,
    sensitive           INTEGER NOT NULL,
    cache               TEXT NOT NULL,
    finish              TEXT NOT NULL,
    input_tokens        INTEGER NOT NULL,
    output_tokens       INTEGER NOT NULL,
    thinking_tokens     INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cost_usd            TEXT NOT NULL,
    baseline_usd        TEXT NOT NULL,
    ttft_ms             REAL,
    latency_ms          REAL NOT NULL,
    attempts            TEXT NOT NULL,  -- JSON, as the view shows it
    attempts_estimated  TEXT NOT NULL,  -- JSON, a boolean for each attempt
    usage_estimated     INTEGER NOT NULL,
    prompt_hash         TEXT,
    reasons             TEXT NOT NULL,  -- JSON
    notes               TEXT NOT NULL,  -- JSON
    error               TEXT,
    error_kind          TEXT,
    retry_after_s       REAL,
    price_source        TEXT
) STRICT;
CREATE INDEX requests_by_start ON requests (started_at);
CREATE INDEX requests_by_charge ON requests (charged_at);

-- What budgets were charged, split by the engine and model that cost it. At least the row's cost; more where it is estimated.
CREATE TABLE charges (
    id         TEXT NOT NULL,
    charged_at TEXT NOT NULL,
    agent      TEXT NOT NULL,
    engine     TEXT NOT NULL,
    model      TEXT NOT NULL,
    usd        TEXT NOT NULL
) STRICT;
CREATE INDEX charges_by_charge ON charges (charged_at);

-- Prompts and answers, only where the operator turned that on.
CREATE TABLE bodies (
    id     TEXT PRIMARY KEY,
    prompt TEXT,
    answer TEXT
) STRICT;

CREATE TABLE controls (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
    at     TEXT NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE VIEW requests_v1 AS
SELECT id, started_at, agent, engine, model, intent, complexity, sensitive, cache, finish,
       input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd,
       ttft_ms, latency_ms, attempts, usage_estimated, prompt_hash
FROM requests;

CREATE VIEW audit_v1 AS
SELECT at, actor, action, detail FROM audit;
