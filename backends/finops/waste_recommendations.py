"""Recommendations on waste: thinking on easy prompts, failed calls, truncated answers, the same prompt paid twice."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from backends.finops.analysis_window import AnalysisWindow, money
from backends.types import ZERO, Recommendation, Tokens

EASY = 0.5
"""Complexity below which thinking changes little, by our measurements."""

DAY_S = 86_400


def thinking_on_easy_prompts(window: AnalysisWindow) -> Iterator[Recommendation]:
    for row in window.rows(THINKING, EASY):
        usd = window.price(row["engine"], row["model"], Tokens(thinking=row["thinking"]))
        if usd:
            yield Recommendation(
                kind="thinking",
                title=f"{row['agent']} pays for thinking on easy prompts",
                usd_month=window.a_month(usd),
                evidence=f"{row['requests']:,} prompts below complexity {EASY} took"
                f" {row['thinking']:,} thinking tokens",
                command=window.set_agent(row["agent"], "thinking_budget", "0"),
            )


def failed_tries(window: AnalysisWindow) -> Iterator[Recommendation]:
    for row in window.rows(FAILED):
        if usd := money(row["usd"]):
            yield Recommendation(
                kind="retries",
                title=f"{row['agent']} pays for calls that failed",
                usd_month=window.a_month(usd),
                evidence=f"{row['tries']:,} billed calls of {row['requests']:,} requests brought no answer",
                command="claw doctor",
            )


def cut_answers(window: AnalysisWindow) -> Iterator[Recommendation]:
    for row in window.rows(CUT):
        usd = money(row["usd"])
        if not usd:
            continue
        agent, cut = row["agent"], row["finish"] == "length"
        what = "ended at the cap on output" if cut else "were abandoned before their end"
        yield Recommendation(
            kind="cut",
            title=f"{agent} pays for truncated answers",
            usd_month=window.a_month(usd),
            evidence=f"{row['requests']:,} paid answers {what}, after {row['output']:,} tokens in the mean",
            command=window.set_agent(agent, "max_output", str(2 * int(row["most"])))
            if cut
            else "claw report --by intent",
        )


def asked_twice(window: AnalysisWindow) -> Iterator[Recommendation]:
    """A prompt that was paid again, by another agent (outside the cache's scope) or by the same one (expired)."""
    sums: defaultdict[tuple[str, bool], tuple[int, Decimal]] = defaultdict(lambda: (0, ZERO))
    for row in window.rows(REPEATED):
        agents = row["agents"].split(",")
        again = money(row["usd"]) * (row["requests"] - 1) / row["requests"]
        key = min(agents), len(agents) > 1
        times, usd = sums[key]
        sums[key] = times + row["requests"] - 1, usd + again
    for (agent, shared), (times, usd) in sums.items():
        setting = ("cache_scope", "all") if shared else ("cache_ttl_s", str(7 * DAY_S))
        who = f"{agent} and others ask" if shared else f"{agent} asks"
        yield Recommendation(
            kind="duplicates",
            title=f"{who} the cloud again for an answer that it has given",
            usd_month=window.a_month(usd),
            evidence=f"{times:,} paid calls repeated a prompt exactly",
            command=window.set_agent(agent, *setting),
        )


def uncached_openings(window: AnalysisWindow) -> Iterator[Recommendation]:
    """Long prompts of one agent usually share their beginning. Providers charge little for a beginning that they have
    cached.
    """
    for row in window.rows(LONG):
        fixed = Tokens(input=row["least"] * row["requests"])
        whole = window.price(row["engine"], row["model"], fixed)
        cached = window.price(row["engine"], row["model"], Tokens(input=fixed.input, cached_input=fixed.input))
        if whole and cached is not None and whole > cached:
            yield Recommendation(
                kind="context",
                title=f"{row['agent']} sends long prompts that miss the provider's cache",
                usd_month=window.a_month(whole - cached),
                evidence=f"each of {row['requests']:,} prompts has {row['least']:,} tokens or more,"
                f" {row['cached'] / row['input']:.0%} of it cached: put what stays the same first",
                command=f"claw explain --agent {row['agent']} -",
            )


THINKING = """
SELECT agent, engine, model, count(*) AS requests, sum(thinking_tokens) AS thinking FROM requests
WHERE started_at >= ? AND started_at < ? AND zone = 'cloud' AND thinking_tokens > 0 AND complexity < ?
GROUP BY agent, engine, model
"""

FAILED = """
SELECT agent, count(DISTINCT requests.id) AS requests, count(*) AS tries,
       usd_sum(json_extract(value, '$.cost_usd')) AS usd
FROM requests, json_each(attempts)
WHERE started_at >= ? AND started_at < ? AND json_extract(value, '$.error') IS NOT NULL
  AND json_extract(value, '$.cost_usd') <> '0' AND finish <> 'cancelled'
GROUP BY agent
"""

CUT = """
SELECT agent, finish, count(*) AS requests, usd_sum(cost_usd) AS usd, CAST(avg(output_tokens) AS INTEGER) AS output,
       max(output_tokens) AS most
FROM requests
WHERE started_at >= ? AND started_at < ? AND finish IN ('length', 'cancelled') AND zone = 'cloud'
GROUP BY agent, finish
"""

REPEATED = """
SELECT count(*) AS requests, group_concat(DISTINCT agent) AS agents, usd_sum(cost_usd) AS usd FROM requests
WHERE started_at >= ? AND started_at < ? AND zone = 'cloud' AND finish = 'stop' AND sensitive = 0
  AND prompt_hash IS NOT NULL
GROUP BY prompt_hash HAVING count(*) > 1
"""

LONG = """
SELECT agent, engine, model, count(*) AS requests, min(input_tokens) AS least, sum(input_tokens) AS input,
       sum(cached_input_tokens) AS cached
FROM requests
WHERE started_at >= ? AND started_at < ? AND zone = 'cloud' AND finish = 'stop'
GROUP BY agent, engine, model HAVING count(*) >= 20 AND min(input_tokens) >= 2048 AND cached * 10 < input
"""
