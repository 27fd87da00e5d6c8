-- What the weights said of the prompt, and which weights they were: what feedback is held against.
ALTER TABLE requests ADD COLUMN p_local REAL;
ALTER TABLE requests ADD COLUMN p_cloud REAL;
ALTER TABLE requests ADD COLUMN weights TEXT;

-- An operator's word on an answer; a later one on the same request outranks an earlier one.
CREATE TABLE feedback (
    at            TEXT NOT NULL,
    actor         TEXT NOT NULL,
    request_id    TEXT NOT NULL,
    verdict       TEXT NOT NULL,  -- good | bad
    better_engine TEXT,           -- local | cloud, where the other one would have been better
    intent        TEXT,           -- the right one, where the classifier's was wrong
    note          TEXT
) STRICT;
CREATE INDEX feedback_by_request ON feedback (request_id);

CREATE VIEW feedback_v1 AS
SELECT at, request_id, actor, verdict, better_engine, intent, note FROM feedback;

CREATE VIEW decisions_v1 AS
SELECT id, started_at, agent, engine, model, intent, complexity, p_local, p_cloud, weights FROM requests;
