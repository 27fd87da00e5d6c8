"""What `claw doctor` says of prices: where the cloud model's comes from, and which of claw.toml's nobody uses."""

from datetime import UTC, datetime
from importlib.metadata import files
from pathlib import Path

from backends.ledger.prices import Prices, UnknownPrice
from backends.settings.model import Settings
from backends.types import Check


def price(settings: Settings) -> Check:
    """Reads the price table, which takes 0.13 s."""
    model, now = settings.engines.cloud.model, datetime.now(UTC)
    used = {model, *(name for agent in settings.agents.values() for name in agent.models)}
    try:
        found = Prices(settings.prices, discount=settings.engines.cloud.discount).tariff(model, now)
    except UnknownPrice as error:
        what, _, remedy = str(error).partition(": ")
        return Check(name="price", ok=False, detail=f"{what}: it is not called", remedy=remedy)
    rates = found.base
    detail = f"{model}: ${rates.input:f} and ${rates.output:f} a million tokens in and out, by {found.source}{_date()}"
    if unused := sorted(set(settings.prices) - used):
        return Check(
            name="price",
            ok=None,
            detail=f"{detail}; claw.toml prices {', '.join(unused)}, which no engine here uses",
            remedy="write the model's name as engines.cloud.model has it, or leave it",
        )
    return Check(name="price", ok=True, detail=detail)


def _date() -> str:
    """When the table came onto this machine; it does not say of itself when it was made."""
    table = next((path for path in files("genai-prices") or () if path.name == "data.py"), None)
    if table is None:
        return ""
    return f" (table of {datetime.fromtimestamp(Path(table.locate()).stat().st_mtime, UTC):%Y-%m-%d})"
