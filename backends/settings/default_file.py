"""claw.toml written from the settings themselves: every key with its built-in value and what it means."""

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec

from backends.settings.agents import Agent
from backends.settings.engines import KIND, EngineSettings
from backends.settings.known_keys import LISTS
from backends.settings.model import Settings
from backends.settings.model_facts import ModelFacts
from backends.settings.money import Price, PriceFrom, Tier
from backends.settings.notify import Notify
from backends.settings.section import Section

INTRO = """\
# claw.toml: every key is optional; what stands here is built in. Take the # off a key to change it.
# `claw config` prints what is in force and where it came from.
"""


def commented_file() -> str:
    """The whole file, every setting commented out; it loads as it is, and any line may be taken in."""
    return "\n".join([INTRO, *(_table(header, section) for header, section in _sections().items())])


def descriptions() -> list[tuple[str, str, str]]:
    """Each setting as (dotted key, built-in value as TOML, meaning), for tables."""
    return [
        (f"{header.strip('[]')}.{name}", _toml(value), said)
        for header, section in _sections().items()
        for name, value, said in _values(section)
    ]


def meaning(annotation: Any) -> str:
    """The description that a field's annotation carries."""
    metas = [part for part in get_args(annotation) if isinstance(part, msgspec.Meta) and part.description]
    return metas[0].description or "" if metas else ""


def _sections() -> dict[str, Section]:
    settings = Settings()
    low, high = Decimal("0.30"), Decimal("2.50")
    price = Price(input_usd=low, output_usd=high, cached_input_usd=Decimal("0.03"))
    later = PriceFrom(valid_from=datetime(2027, 1, 1, tzinfo=UTC), input_usd=low, output_usd=high)
    tier = Tier(above_input_tokens=200_000, input_usd=2 * low, output_usd=high)
    return {
        "[engines.local]": settings.engines["local"],
        "[engines.cloud]": settings.engines["cloud"],
        "[router]": settings.router,
        "[agents.scout]": Agent(policy="local"),
        "[[budgets]]": settings.budgets[0],
        "[cache]": settings.cache,
        "[privacy]": settings.privacy,
        "[sessions]": settings.sessions,
        "[alerts]": settings.alerts,
        "[[notify]]": Notify(name="phone", kind="ntfy", url="https://ntfy.sh/my-topic"),
        "[heartbeat]": settings.heartbeat,
        "[ledger]": settings.ledger,
        '[prices."gemini-3.5-flash-lite"]': price,
        '[[prices."gemini-3.5-flash-lite".tiers]]': tier,
        '[[prices."gemini-3.5-flash-lite".changes]]': later,
        '[[prices."gemini-3.5-flash-lite".changes.tiers]]': tier,
        '[models."gemini-3.5-flash-lite"]': ModelFacts(),
        "[money]": settings.money,
        "[costs.local]": settings.costs.local,
        "[telemetry]": settings.telemetry,
        "[gateway]": settings.gateway,
        "[console]": settings.console,
    }


def _values(section: Section) -> Iterator[tuple[str, Any, str]]:
    """Name, value and meaning of the fields that are no arrays of tables: those have tables of their own."""
    if isinstance(section, EngineSettings):
        yield "kind", section.kind, KIND
    for field in msgspec.structs.fields(section):
        if field.name not in LISTS:
            yield field.name, getattr(section, field.name), meaning(field.type)


def _table(header: str, section: Section) -> str:
    lines = [f"# {header}"]
    for name, value, said in _values(section):
        lines += textwrap.wrap(said, 110, initial_indent="#   # ", subsequent_indent="#   # ")
        lines.append(f"# {name} = {_toml(value)}" if value is not None else f"# # {name} is not set")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:  # noqa: PLR0911 — one a type
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case Decimal():
            return f'"{value:f}"'
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case dict():
            return f"{{ {', '.join(f'{name} = {_toml(each)}' for name, each in value.items())} }}" if value else "{}"
        case tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return str(value).replace(" 00:00:00+00:00", "T00:00:00Z")
