"""claw.toml written from the settings themselves: every key with its built-in value and what it means."""

import textwrap
from decimal import Decimal
from typing import Any, get_args

import msgspec

from backends.settings import Agent, Price, Settings
from backends.settings_section import Section

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
        (f"{header.strip('[]')}.{field.name}", _toml(getattr(section, field.name)), meaning(field.type))
        for header, section in _sections().items()
        for field in msgspec.structs.fields(section)
    ]


def meaning(annotation: Any) -> str:
    """The description that a field's annotation carries."""
    metas = [part for part in get_args(annotation) if isinstance(part, msgspec.Meta) and part.description]
    return metas[0].description or "" if metas else ""


def _sections() -> dict[str, Section]:
    settings = Settings()
    price = Price(input_usd=Decimal("0.30"), output_usd=Decimal("2.50"), cached_input_usd=Decimal("0.03"))
    return {
        "[engines.local]": settings.engines.local,
        "[engines.cloud]": settings.engines.cloud,
        "[router]": settings.router,
        "[agents.scout]": Agent(policy="local"),
        "[[budgets]]": settings.budgets[0],
        "[cache]": settings.cache,
        "[privacy]": settings.privacy,
        "[ledger]": settings.ledger,
        '[prices."gemini-2.5-flash"]': price,
        "[telemetry]": settings.telemetry,
        "[gateway]": settings.gateway,
        "[console]": settings.console,
    }


def _table(header: str, section: Section) -> str:
    lines = [f"# {header}"]
    for field in msgspec.structs.fields(section):
        lines += textwrap.wrap(meaning(field.type), 110, initial_indent="#   # ", subsequent_indent="#   # ")
        value = getattr(section, field.name)
        lines.append(f"# {field.name} = {_toml(value)}" if value is not None else f"# # {field.name} is not set")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case Decimal():
            return f'"{value:f}"'
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return str(value)
