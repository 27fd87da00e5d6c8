-- What a request cost on the operator's own machine (energy, hardware or rent), apart from what is billed. NULL: not known.
ALTER TABLE requests ADD COLUMN own_cost_usd TEXT;
ALTER TABLE rollups ADD COLUMN own_cost_usd TEXT NOT NULL DEFAULT '0';

DROP VIEW requests_v1;
CREATE VIEW requests_v1 AS
SELECT id, started_at, agent, engine, model, intent, complexity, sensitive, cache, finish,
       input_tokens, output_tokens, thinking_tokens, cached_input_tokens, cost_usd, baseline_usd,
       ttft_ms, latency_ms, attempts, usage_estimated, prompt_hash, tag, own_cost_usd, price_source, notes
FROM requests;
