"""What `claw doctor` says of the cloud engines' models: their lifecycle, their quota of the day, their prices."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from importlib.metadata import files
from pathlib import Path

from backends.catalogue import CLAIMS_AS_OF, Catalogue, adopt
from backends.catalogue.quota_day import day_of, reset_after, start_of
from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.request_rows import stamp
from backends.ledger.sqlite_connection import connect_read_only
from backends.paths import Paths
from backends.settings.engines import BUILT_IN, GeminiSettings
from backends.settings.model import Settings
from backends.types import CLOUD, Check, EngineName

SENT = """
SELECT count(*) AS calls, coalesce(sum(json_extract(value, '$.tokens.input')), 0) AS input
FROM requests, json_each(attempts)
WHERE started_at >= ? AND json_extract(value, '$.engine') = ?
  AND coalesce(json_extract(value, '$.model_asked'), json_extract(value, '$.model')) = ?
"""

LAST = """
SELECT started_at, json_extract(value, '$.error') AS failure FROM requests, json_each(attempts)
WHERE started_at >= ? AND json_extract(value, '$.engine') = ? AND (failure IS NULL OR failure LIKE 'daily-quota:%')
ORDER BY requests.rowid DESC, json_each.key DESC LIMIT 1
"""


def check_models(settings: Settings, paths: Paths) -> tuple[Check, ...]:
    """Every cloud engine's model and its price, as of now."""
    now = datetime.now(UTC)
    found = []
    for name in settings.engines_in(CLOUD):
        found.append(lifecycle(settings, name, now.date()))
        if isinstance(settings.engines[name], GeminiSettings):
            found.append(quota(settings, name, paths, now))
        found.append(price(settings, name, now))
    return *found, *unused_prices(settings)


def lifecycle(settings: Settings, engine: EngineName, today: date) -> Check:
    """Whether an engine's model comes to its end; reads the price table, which takes 0.13 s."""
    name, catalogue = settings.engines[engine].model, Catalogue(settings.models)
    check = "cloud model" if engine in BUILT_IN else f"lifecycle {engine}"
    known = catalogue.model(name)
    if ending := catalogue.retirement(name, today):
        command = adopt(ending.successor, engine=engine) if ending.successor else ""
        remedy = f"run `{command}`" if command else f"set engines.{engine}.model to one that it lists"
        return Check(name=check, ok=None, detail=ending.line, remedy=remedy)
    if not known.known:
        remedy = f'describe it under [models."{name}"] in claw.toml'
        return Check(name=check, ok=None, detail=f"the catalogue does not know {name}", remedy=remedy)
    end = f"ends on {known.retires}" if known.retires else "has no announced end"
    return Check(name=check, ok=True, detail=f"{name} {end}, as of {CLAIMS_AS_OF}")


def quota(settings: Settings, engine: EngineName, paths: Paths, now: datetime) -> Check:
    """What was sent to a Gemini engine in Google's day, by the ledger."""
    check = "cloud quota" if engine in BUILT_IN else f"quota {engine}"
    since, again = stamp(start_of(day_of(now))), f"{reset_after(now).astimezone():%H:%M}"
    calls, tokens, refused = _sent(paths, since, engine, settings.engines[engine].model)
    detail = f"{calls:,} calls and {tokens:,} input tokens since midnight Pacific time"
    if refused:
        at = f"{datetime.fromisoformat(refused).astimezone():%H:%M}"
        return Check(
            name=check,
            ok=None,
            detail=f"{detail}; the day's quota was used up at {at} and opens again at {again}",
            remedy="wait, or raise the key's tier at https://aistudio.google.com/apikey",
        )
    return Check(name=check, ok=True, detail=detail)


def _sent(paths: Paths, since: str, engine: EngineName, model: str) -> tuple[int, int, str | None]:
    """Calls and input tokens since then, and when the day's quota refused the last call, if it did."""
    if not paths.ledger.exists():
        return 0, 0, None
    try:
        with closing(connect_read_only(paths.ledger)) as db:
            sent = db.execute(SENT, (since, engine, model)).fetchone()
            last = db.execute(LAST, (since, engine)).fetchone()
    except sqlite3.Error:
        return 0, 0, None  # the check of the ledger reports it
    return (
        sent["calls"],
        sent["input"],
        last["started_at"] if last is not None and last["failure"] is not None else None,
    )


def price(settings: Settings, engine: EngineName, now: datetime) -> Check:
    """The price of an engine's model and where it comes from; reads the price table, which takes 0.13 s."""
    check, model = "price" if engine in BUILT_IN else f"price {engine}", settings.engines[engine].model
    try:
        found = Prices.of(settings).tariff(engine, model, now)
    except UnknownPrice as error:
        what, _, remedy = str(error).partition(": ")
        return Check(name=check, ok=False, detail=f"{what}: it is not called", remedy=remedy)
    rates = f"${found.base.input:f} and ${found.base.output:f} a million tokens in and out"
    return Check(name=check, ok=True, detail=f"{model}: {rates}, by {found.source}{_date()}")


def unused_prices(settings: Settings) -> tuple[Check, ...]:
    """One check where claw.toml prices a model that no engine and no agent uses, which may be a misspelled name."""
    used = {engine.model for engine in settings.engines.values()}
    used |= {name for agent in settings.agents.values() for name in (agent.model, *agent.models)}
    if not (unused := sorted(set(settings.prices) - used)):
        return ()
    detail = f"claw.toml prices {', '.join(unused)}, which no engine here uses"
    return (Check(name="prices", ok=None, detail=detail, remedy="correct the model's name, or remove the price"),)


def _date() -> str:
    """When the table came onto this machine; it does not say of itself when it was made."""
    table = next((path for path in files("genai-prices") or () if path.name == "data.py"), None)
    if table is None:
        return ""
    return f" (table of {datetime.fromtimestamp(Path(table.locate()).stat().st_mtime, UTC):%Y-%m-%d})"
