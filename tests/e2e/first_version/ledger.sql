BEGIN TRANSACTION;
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
CREATE TABLE audit (
    at     TEXT NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TABLE bodies (
    id     TEXT PRIMARY KEY,
    prompt TEXT,
    answer TEXT
) STRICT;
CREATE TABLE charges (
    id         TEXT NOT NULL,
    charged_at TEXT NOT NULL,
    agent      TEXT NOT NULL,
    engine     TEXT NOT NULL,
    model      TEXT NOT NULL,
    usd        TEXT NOT NULL
, beyond_usd TEXT NOT NULL DEFAULT '0') STRICT;
INSERT INTO "charges" VALUES('1a22dd653e194a9dea4fd','2026-11-30T19:02:32.081511Z','writer','cloud','gemini-3.5-flash-lite','0.0001605','0');
CREATE TABLE controls (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
CREATE TABLE feedback (
    at            TEXT NOT NULL,
    actor         TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    verdict       TEXT NOT NULL,  -- good | bad
    better_engine TEXT,           -- local | cloud, where the other one would have been better
    intent        TEXT,           -- the right one, where the classifier's was wrong
    note          TEXT
) STRICT;
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
, tag TEXT, p_local REAL, p_cloud REAL, weights TEXT, own_cost_usd TEXT) STRICT;
INSERT INTO "requests" VALUES('1a22dd641e10475bb0f31','2026-11-30T19:02:26.678475Z','2026-11-30T19:02:26.681693Z','cli','scout','local','qwen2.5:14b','trend-analysis',2.24639898715690788932e-01,0,'miss','stop',12,63,0,0,'0','0.0001611',1848.3,3400.835,'[{"engine":"local","model":"qwen2.5:14b","tokens":{"input":12,"output":63,"thinking":0,"cached_input":0},"cost_usd":"0","error":null,"model_asked":"qwen2.5:14b"}]','[false]',0,'2c746960b336412464a3abbe73d45959','[{"rule":"policy","detail":"local"}]','[]',NULL,NULL,NULL,NULL,NULL,9.0585097145660653517e-01,9.52411718987198119279e-01,'2026-11-24.3/2026-11-24.1',NULL);
INSERT INTO "requests" VALUES('1a22dd653e194a9dea4fd','2026-11-30T19:02:32.072450Z','2026-11-30T19:02:32.081511Z','cli','writer','cloud','gemini-3.5-flash-lite','creative-writing',1.34932113943129650124e-01,0,'miss','stop',10,47,16,0,'0.0001605','0.0001605',1339.2,1452.107,'[{"engine":"cloud","model":"gemini-3.5-flash-lite","tokens":{"input":10,"output":47,"thinking":16,"cached_input":0},"cost_usd":"0.0001605","error":null,"model_asked":"gemini-3.5-flash-lite"}]','[false]',0,'b034599410764cbfb5e12a75ad2fca31','[{"rule":"policy","detail":"cloud"}]','[]',NULL,NULL,NULL,'genai-prices 0.2.3','blog',0.912742983823049,9.58637422075935941023e-01,'2026-11-24.3/2026-11-24.1',NULL);
INSERT INTO "requests" VALUES('1a22dd661e9595f73caf2','2026-11-30T19:02:35.434103Z','2026-11-30T19:02:35.435091Z','cli','writer','cache','gemini-3.5-flash-lite','creative-writing',1.34932113943129650124e-01,0,'exact','stop',0,0,0,0,'0','0.0001605',0.78,0.781,'[]','[]',0,'b034599410764cbfb5e12a75ad2fca31','[{"rule":"cache","detail":"exact, saved $0.0001605"},{"rule":"cache entry","detail":"e67481eaf026, 1 s old, asked by writer, in 1a22dd653e194a9dea4fd"}]','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "requests" VALUES('1a22dd66845c6d49f5c93','2026-11-30T19:02:36.896898Z','2026-11-30T19:02:36.905942Z','cli','ada','local','qwen2.5:14b','summarising',3.65000849309457864322e-01,1,'bypass','stop',10,70,0,0,'0','0.000178',312.9,1938.576,'[{"engine":"local","model":"qwen2.5:14b","tokens":{"input":10,"output":70,"thinking":0,"cached_input":0},"cost_usd":"0","error":null,"model_asked":"qwen2.5:14b"}]','[false]',0,'5a967753001987799d33eeb0e246ab3a','[{"rule":"policy","detail":"auto"},{"rule":"privacy","detail":"sensitive: word"}]','[]',NULL,NULL,NULL,NULL,NULL,8.95897127654275760022e-01,9.26691974892637215788e-01,'2026-11-24.3/2026-11-24.1',NULL);
INSERT INTO "requests" VALUES('1a22dd675dcf03d9c2996','2026-11-30T19:02:39.909505Z','2026-11-30T19:02:39.910452Z','cli','scout','cache','qwen2.5:14b','trend-analysis',2.24639898715690788932e-01,0,'exact','stop',0,0,0,0,'0','0.0001611',0.746,0.747,'[]','[]',0,'2c746960b336412464a3abbe73d45959','[{"rule":"cache","detail":"exact, saved $0.0001611"},{"rule":"cache entry","detail":"b2b93f5a533d, 9 s old, asked by scout, in 1a22dd641e10475bb0f31"}]','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "requests" VALUES('1a22dd679266c53f9747c','2026-11-30T19:02:40.750080Z','2026-11-30T19:02:40.754497Z','cli','scout','local','qwen2.5:14b','health-check',0.0239685914566532,0,'miss','error',0,0,0,0,'0','0.00',NULL,654.338,'[{"engine":"local","model":"qwen2.5:14b","tokens":{"input":0,"output":0,"thinking":0,"cached_input":0},"cost_usd":"0","error":"unavailable: Ollama at http://127.0.0.1:9 cannot be reached (connection refused): start it with `ollama serve`, or set engines.local.base_url","model_asked":"qwen2.5:14b"},{"engine":"local","model":"qwen2.5:14b","tokens":{"input":0,"output":0,"thinking":0,"cached_input":0},"cost_usd":"0","error":"unavailable: Ollama at http://127.0.0.1:9 cannot be reached (connection refused): start it with `ollama serve`, or set engines.local.base_url","model_asked":"qwen2.5:14b"}]','[false,false]',0,'aa184af58cb79a381b409fbb0b130791','[{"rule":"policy","detail":"local"}]','[]','Ollama at http://127.0.0.1:9 cannot be reached (connection refused): start it with `ollama serve`, or set engines.local.base_url','unavailable',NULL,NULL,NULL,0.926597278784582,0.926597278784582,'2026-11-24.3/2026-11-24.1',NULL);
CREATE TABLE reservations (
    id     TEXT NOT NULL,
    engine TEXT NOT NULL,
    model  TEXT NOT NULL,
    usd    TEXT NOT NULL
) STRICT;
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
    provider_discount_usd TEXT NOT NULL, own_cost_usd TEXT NOT NULL DEFAULT '0',
    PRIMARY KEY (hour, agent, engine, model, intent, cache, tag)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollups_reach (
    seen_to   INTEGER NOT NULL,  -- the last row that they hold
    rows_from TEXT NOT NULL      -- rows that started earlier have been deleted; "" where none has
) STRICT;
INSERT INTO "rollups_reach" VALUES(0,'');
CREATE INDEX reservations_by_id ON reservations (id);
CREATE INDEX requests_by_start ON requests (started_at);
CREATE INDEX requests_by_charge ON requests (charged_at);
CREATE INDEX charges_by_charge ON charges (charged_at);
CREATE VIEW audit_v1 AS
SELECT at, actor, action, detail FROM audit;
CREATE INDEX feedback_by_request ON feedback (request_id);
CREATE VIEW feedback_v1 AS
SELECT at, request_id, actor, verdict, better_engine, intent, note FROM feedback;
CREATE VIEW decisions_v1 AS
SELECT id, started_at, agent, engine, model, intent, complexity, p_local, p_cloud, weights FROM requests;
CREATE VIEW requests_v1 AS
SELECT id, started_at, agent, engine, model, intent, complexity, sensitive, cache, finish,
       input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd,
       ttft_ms, latency_ms, attempts, usage_estimated, prompt_hash, tag, own_cost_usd, price_source, notes
FROM requests;
COMMIT;
PRAGMA user_version = 5;
