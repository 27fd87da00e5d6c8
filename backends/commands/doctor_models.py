"""What `claw doctor` says of the cloud's model: its lifecycle, its price, and what was sent to it today."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from importlib.metadata import files
from pathlib import Path

from backends.catalogue import CLAIMS_AS_OF, Catalogue
from backends.catalogue.quota_day import day_of, reset_after, start_of
from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.request_rows import stamp
from backends.ledger.sqlite_connection import connect_read_only
from backends.ledger.store import CLOUD_CALLS
from backends.paths import Paths
from backends.settings.model import Settings
from backends.types import Check

LAST = """
SELECT started_at, json_extract(value, '$.error') AS said FROM requests, json_each(attempts)
WHERE started_at >= ? AND json_extract(value, '$.engine') = 'cloud'
  AND (said IS NULL OR said LIKE 'daily-quota:%')
ORDER BY requests.rowid DESC, json_each.key DESC LIMIT 1
"""


def model(settings: Settings, today: date) -> Check:
    """The model's lifecycle; reads the price table, which takes 0.13 s."""
    name, catalogue = settings.engines["cloud"].model, Catalogue(settings.models)
    known = catalogue.model(name)
    if ending := catalogue.retirement(name, today):
        remedy = f"run `{ending.command}`" if ending.command else "set engines.cloud.model to one that Gemini lists"
        return Check(name="cloud model", ok=None, detail=ending.line, remedy=remedy)
    if not known.known:
        remedy = f'describe it under [models."{name}"] in claw.toml'
        return Check(name="cloud model", ok=None, detail=f"the catalogue does not know {name}", remedy=remedy)
    end = f"ends on {known.retires}" if known.retires else "has no announced end"
    return Check(name="cloud model", ok=True, detail=f"{name} {end}, as of {CLAIMS_AS_OF}")


def quota(settings: Settings, paths: Paths, now: datetime) -> Check:
    """What was sent to the cloud in its provider's day, by the ledger."""
    since, again = stamp(start_of(day_of(now))), f"{reset_after(now).astimezone():%H:%M}"
    calls, tokens, refused = _sent(paths, since, settings.engines["cloud"].model)
    detail = f"{calls:,} calls and {tokens:,} input tokens since midnight Pacific time"
    if refused:
        at = f"{datetime.fromisoformat(refused).astimezone():%H:%M}"
        return Check(
            name="cloud quota",
            ok=None,
            detail=f"{detail}; the day's quota was used up at {at} and opens again at {again}",
            remedy="wait, or raise the key's tier at https://aistudio.google.com/apikey",
        )
    return Check(name="cloud quota", ok=True, detail=detail)


def _sent(paths: Paths, since: str, model: str) -> tuple[int, int, str | None]:
    if not paths.ledger.exists():
        return 0, 0, None
    try:
        with closing(connect_read_only(paths.ledger)) as db:
            counted = {row["model"]: row for row in db.execute(CLOUD_CALLS, (since,))}
            last = db.execute(LAST, (since,)).fetchone()
    except sqlite3.Error:
        return 0, 0, None  # the check of the ledger reports it
    refused = last["started_at"] if last is not None and last["said"] is not None else None
    row = counted.get(model)
    return (row["calls"], row["input"] or 0, refused) if row else (0, 0, refused)


def price(settings: Settings) -> Check:
    """Reads the price table, which takes 0.13 s."""
    prices, now = Prices.of(settings), datetime.now(UTC)
    used = {engine.model for engine in settings.engines.values()}
    used |= {name for agent in settings.agents.values() for name in (agent.model, *agent.models)}
    told = []
    for name, engine in settings.engines.items():
        if not prices.bills(name):
            continue
        try:
            found = prices.tariff(name, engine.model, now)
        except UnknownPrice as error:
            what, _, remedy = str(error).partition(": ")
            return Check(name="price", ok=False, detail=f"{what}: it is not called", remedy=remedy)
        rates = f"${found.base.input:f} and ${found.base.output:f} a million tokens in and out"
        told.append(f"{engine.model}: {rates}, by {found.source}{_date()}")
    detail = "; ".join(told)
    if unused := sorted(set(settings.prices) - used):
        return Check(
            name="price",
            ok=None,
            detail=f"{detail}; claw.toml prices {', '.join(unused)}, which no engine here uses",
            remedy="write the model's name as engines.cloud.model has it, or remove the price",
        )
    return Check(name="price", ok=True, detail=detail)


def _date() -> str:
    """When the table came onto this machine; it does not say of itself when it was made."""
    table = next((path for path in files("genai-prices") or () if path.name == "data.py"), None)
    if table is None:
        return ""
    return f" (table of {datetime.fromtimestamp(Path(table.locate()).stat().st_mtime, UTC):%Y-%m-%d})"


def check_cloud_model(settings: Settings, paths: Paths) -> tuple[Check, ...]:
    """All of them, as of now."""
    now = datetime.now(UTC)
    return model(settings, now.date()), quota(settings, paths, now), price(settings)
