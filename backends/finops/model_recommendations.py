"""Recommendations on models: a dear model where a cheaper one would do, an old one past its end, an idle machine."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from backends.catalogue import Catalogue, Retirement, model_of
from backends.catalogue.listed import listed, models
from backends.finops.analysis_window import AnalysisWindow, money, set_command
from backends.finops.break_even import fixed_usd_month
from backends.ledger.request_rows import moment
from backends.settings.engines import GeminiSettings
from backends.types import ZERO, Recommendation

WITHIN = 0.01
"""Where P(local answers well) is within this of P(cloud answers well), the next cheaper cloud model does as well: it
lies between the two."""

TIERS = ("flash-lite", "flash", "pro")
"""Google's own, the cheapest first."""

NAME = re.compile(r"gemini-(\d+(?:\.\d+)?)-(flash-lite|flash|pro)")

STILL_USED = timedelta(days=3)
"""A model without a request for longer is no longer in use."""

IDLE_FROM = 0.5
"""Share of the time; below it an idle machine is not worth a line."""


def dear_models(window: AnalysisWindow) -> Iterator[Recommendation]:
    """Agents whose easy prompts a Gemini model answers that is dearer than its next cheaper sibling."""
    for row in window.rows(EASY, WITHIN):
        cheaper = _sibling_below(row["model"])
        if cheaper is None or not _may_switch(window, row["agent"], row["engine"], cheaper):
            continue
        if saved := _saved(window, row, cheaper):
            yield Recommendation(
                kind="dear-model",
                title=f"{row['agent']} pays {row['model']} where {cheaper} would do",
                usd_month=window.a_month(saved),
                evidence=f"of {row['all_requests']:,} prompts {row['requests']:,} are so easy that the local model is"
                f" expected within {WITHIN:.0%} of the cloud",
                command=window.set_agent(row["agent"], "model", cheaper),
            )


def _may_switch(window: AnalysisWindow, agent: str, engine: str, model: str) -> bool:
    """Can the agent's setting `model` bring it to this Gemini model, and is it not there yet?"""
    rules, known = window.settings.agent(agent), window.settings.engines.get(engine)
    allowed = not rules.models or model in rules.models
    return isinstance(known, GeminiSettings) and allowed and rules.model != model


def kept_from_local(window: AnalysisWindow) -> Iterator[Recommendation]:
    """Agents bound to the cloud whose prompts the local model would answer as well as the dial asks."""
    for row in window.rows(LOCAL_WOULD_DO, window.settings.router.dial):
        agent = window.settings.agent(row["agent"])
        if agent.policy in ("cloud", "prefer-cloud") and (usd := money(row["usd"])):
            yield Recommendation(
                kind="policy",
                title=f"{row['agent']} is bound to the cloud where local would do",
                usd_month=window.a_month(usd),
                evidence=f"{row['requests']:,} of its paid prompts keep {window.settings.router.dial:.0%} of the"
                f" quality locally; its policy is {agent.policy}",
                command=window.set_agent(row["agent"], "policy", "auto"),
            )


def old_models(window: AnalysisWindow) -> Iterator[Recommendation]:
    """Models in use that their maker ends or advises against, or whose newer sibling asks less for the same tokens."""
    catalogue, today = Catalogue(window.settings.models), window.until.date()
    rows = {(row["engine"], row["model"]): row for row in window.rows(USED)}
    for engine, model, command in sorted(_models_in_use(window, rows)):
        row = rows.get((engine, model))
        if ending := catalogue.retirement(model, today):
            yield _ending(window, ending, row, f"{command} {ending.successor}" if ending.successor else "claw doctor")
            continue
        newer = _newest_of_tier(model)
        saved = _saved(window, row, newer) if row is not None and newer else None
        if row is not None and newer and saved:
            yield Recommendation(
                kind="old-model",
                title=f"{newer} asks less than {model}",
                usd_month=window.a_month(saved),
                evidence=_went(row),
                command=f"{command} {newer}",
            )


def _models_in_use(window: AnalysisWindow, rows: dict[tuple[str, str], sqlite3.Row]) -> Iterator[tuple[str, str, str]]:
    """Each Gemini model with its engine and with the command, but for its value, that changes it: the models that
    claw.toml names, then those that lately answered all the same.
    """
    settings = window.settings
    gemini = {name: engine for name, engine in settings.engines.items() if isinstance(engine, GeminiSettings)}
    named = {(name, engine.model): set_command("engines", name, "model") for name, engine in gemini.items()}
    for agent, rules in settings.agents.items():
        first = next((name for name in gemini if not rules.engines or name in rules.engines), None)
        if first is not None and NAME.fullmatch(rules.model):
            named.setdefault((first, rules.model), set_command("agents", agent, "model"))
    for (engine, model), row in rows.items():
        if engine in gemini and window.until - moment(row["last"]) < STILL_USED:
            named.setdefault((engine, model), set_command("engines", engine, "model"))
    yield from ((engine, model, command) for (engine, model), command in named.items())


def _went(row: sqlite3.Row) -> str:
    count = row["requests"]
    return f"{count:,} request{'' if count == 1 else 's'} of the span went to it"


def _ending(window: AnalysisWindow, ending: Retirement, row: sqlite3.Row | None, command: str) -> Recommendation:
    """Yielded whether it saves anything or not."""
    saved = _saved(window, row, ending.successor) if row is not None and ending.successor else None
    usd = window.a_month(saved) if saved else None
    return Recommendation(
        kind="old-model",
        title=ending.line,
        usd_month=usd or None,
        evidence=_went(row) if row else "claw.toml asks for it",
        command=command,
    )


def idle_machine(window: AnalysisWindow) -> Iterator[Recommendation]:
    fixed = fixed_usd_month(window.settings.costs.local)
    (row,) = window.rows(BUSY)
    if not fixed:
        return
    places = window.local_places
    idle = 1 - (row["busy_ms"] or 0) / 1000 / ((window.until - window.since).total_seconds() * places)
    if idle >= IDLE_FROM:
        yield Recommendation(
            kind="idle",
            title="the own machine is mostly idle",
            usd_month=(fixed * Decimal(idle)).quantize(Decimal("0.01")),
            evidence=f"its {places} places were empty {idle:.0%} of the time",
            command=f"claw config set router.dial {max(0.0, window.settings.router.dial - 0.1):.1f}",
        )


def _saved(window: AnalysisWindow, row: sqlite3.Row, other: str) -> Decimal | None:
    """What the other model would have saved on the row's calls, by today's prices; None where they are not known."""
    here, there = window.price_of(row["model"], row), window.price_of(other, row)
    return max(ZERO, here - there) if here is not None and there is not None else None


def _sibling_below(model: str) -> str | None:
    """The next cheaper tier: of the same generation, else what has taken its place, else the newest there is."""
    if not (found := NAME.fullmatch(model)):
        return None
    generation, tier = found.groups()
    below = TIERS.index(tier) - 1
    if below < 0:
        return None
    name = f"gemini-{generation}-{TIERS[below]}"
    for other in (name, model_of(name).successor, _newest(TIERS[below])):
        if other and _offered(other):
            return other
    return None


def _newest_of_tier(model: str) -> str | None:
    found = NAME.fullmatch(model)
    return _newest(found[2]) if found else None


def _newest(tier: str) -> str | None:
    same = [
        (float(other[1]), name)
        for name in models()
        if (other := NAME.fullmatch(name)) and other[2] == tier and _offered(name)
    ]
    return max(same, default=(0.0, None))[1]


def _offered(model: str) -> bool:
    """Does the price table have it, and does nobody advise against it?"""
    found = listed(model)
    return found is not None and not found.deprecated and not model_of(model).deprecated


EASY = """
WITH span (since, until, within) AS (SELECT ?, ?, ?)
SELECT agent, engine, model, sum(p_local >= p_cloud - within) AS requests, count(*) AS all_requests,
       sum(iif(p_local >= p_cloud - within, input_tokens, 0)) AS input,
       sum(iif(p_local >= p_cloud - within, output_tokens, 0)) AS output,
       sum(iif(p_local >= p_cloud - within, thinking_tokens, 0)) AS thinking,
       sum(iif(p_local >= p_cloud - within, cached_input_tokens, 0)) AS cached
FROM requests, span
WHERE started_at >= since AND started_at < until AND zone = 'cloud' AND finish = 'stop' AND p_local IS NOT NULL
GROUP BY agent, engine, model HAVING requests > 0
"""

LOCAL_WOULD_DO = """
SELECT agent, count(*) AS requests, usd_sum(cost_usd) AS usd FROM requests
WHERE started_at >= ? AND started_at < ? AND zone = 'cloud' AND p_local >= p_cloud * ?
  AND finish NOT IN ('error', 'cancelled')
GROUP BY agent
"""

USED = """
SELECT engine, model, count(*) AS requests, sum(input_tokens) AS input, sum(output_tokens) AS output,
       sum(thinking_tokens) AS thinking, sum(cached_input_tokens) AS cached, max(started_at) AS last
FROM requests WHERE started_at >= ? AND started_at < ? AND zone = 'cloud' GROUP BY engine, model
"""

BUSY = """
SELECT sum(latency_ms) AS busy_ms FROM requests
WHERE started_at >= ? AND started_at < ? AND zone = 'local' AND engine <> 'cache'
"""
