-- Every alert from its onset to its end. Written when it begins, changes and ends, so that a crash loses at most the
-- last count. `key` names the condition; `agents` with commas, the most touched first.
CREATE TABLE incidents (
    id         TEXT PRIMARY KEY,
    key        TEXT NOT NULL,
    severity   TEXT NOT NULL,  -- warning or critical
    started_at TEXT NOT NULL,  -- the onset, not the moment it was found
    ended_at   TEXT,           -- NULL while it stands
    seen_at    TEXT NOT NULL,  -- when it was last seen to stand
    text       TEXT NOT NULL,
    effect     TEXT NOT NULL,  -- what it did to requests, in a phrase
    state      TEXT NOT NULL,  -- new, acknowledged, silenced or cleared
    actor      TEXT NOT NULL,  -- who acknowledged or silenced it, "" where nobody did
    silenced_until TEXT,       -- NULL where it is not silenced
    requests   INTEGER NOT NULL,
    agents     TEXT NOT NULL,
    cost_usd   TEXT            -- NULL where money has no part in it or nobody can tell
) STRICT;
CREATE INDEX incidents_by_time ON incidents (started_at);

CREATE VIEW incidents_v1 AS
SELECT id, key, severity, started_at, ended_at,
       iif(ended_at IS NULL, NULL, round((julianday(ended_at) - julianday(started_at)) * 86400, 1)) AS duration_s,
       text, effect, state, actor, requests, agents, cost_usd
FROM incidents;

-- Messages to the operator's phone or chat, written together with the incident that they are about, so that a crash
-- loses none. They are kept for a week.
CREATE TABLE notifications (
    id           TEXT PRIMARY KEY,
    incident     TEXT NOT NULL,
    target       TEXT NOT NULL,  -- the name of the settings' table
    created_at   TEXT NOT NULL,
    message      TEXT NOT NULL,  -- JSON, without prompts and providers' words
    delivered_at TEXT            -- NULL while it waits
) STRICT;
CREATE INDEX notifications_by_incident ON notifications (incident, target);

-- What no row tells, minute by minute, for a week: requests that ended without a row, and what was sampled.
CREATE TABLE minutes (
    minute  TEXT PRIMARY KEY,  -- when it began, UTC: "2026-11-30T12:22"
    failed  INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    sampled TEXT NOT NULL      -- JSON: a number by the name of its series
) STRICT, WITHOUT ROWID;

-- Operators' actions: why each was taken, which control it changed, and what takes it back.
ALTER TABLE audit ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN control TEXT;  -- its key in controls, NULL where it changed none
ALTER TABLE audit ADD COLUMN undo TEXT;     -- an action as JSON; NULL where nothing takes it back, or it is taken back

DROP VIEW audit_v1;
CREATE VIEW audit_v1 AS
SELECT at, actor, action, detail, reason FROM audit;
