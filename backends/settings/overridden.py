"""Settings with some keys changed by an operator, checked as claw.toml would be."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from typing import Any

import msgspec

from backends.agent_names import spelled
from backends.errors import WrongSettings, WrongUse
from backends.settings.edit import parts_of
from backends.settings.known_keys import check_keys, is_setting
from backends.settings.loading import converted
from backends.settings.model import Settings
from backends.settings.section import dotted
from backends.settings.sources import put

LIVE = ("router", "agents", "privacy", "sessions", "alerts")
"""Tables of claw.toml that a running core uses from the next request on."""

FIXED = frozenset(
    {("router", "max_prompt_bytes"), *(("agents", name) for name in ("group", "cache", "cache_scope", "cache_ttl_s"))}
)
"""Settings in them that it was opened with."""

PRIVATE = frozenset({("privacy", name) for name in ("words", "patterns", "allow", "internal_hosts")})
"""Settings whose values are nobody's business: an override is shown in alerts and in the audit table."""

WITHOUT_ZERO = re.compile(r"[+-]?\.\d+")
"""A number as the screen shows shares: `.6`. TOML asks for a digit before the point."""


def live_key(key: str, settings: Settings) -> str:
    """The key as it is written in claw.toml, an agent's name as it is spelled there.

    Raises WrongUse for one that cannot be changed while the core runs.
    """
    parts = parts_of(key)
    if parts[0] == "agents" and len(parts) > 1:
        parts[1] = spelled(parts[1], settings.agents) or parts[1]
    general, name, tables = (parts[0], parts[-1]), dotted(*parts), dict[str, Any]()
    put(tables, tuple(parts), "")
    try:
        check_keys(tables)
    except ValueError as error:
        raise WrongUse(str(error)) from None
    if not is_setting(tuple(parts)):  # a whole table would also set what is private or fixed in it
        raise WrongUse(f"`{name}` is a table: set one of its settings")
    if general in PRIVATE:
        raise WrongUse(f"`{name}` holds private values: edit claw.toml, then `claw act reload`")
    if parts[0] not in LIVE or general in FIXED:
        raise WrongUse(f"`{name}` needs a restart: `claw config set {name} VALUE` writes it to claw.toml")
    return name


def privacy_lessened(before: Settings, after: Settings) -> str:
    """What the settings after let leave this machine that those before do not, in a line; "" where nothing."""
    if before.privacy.images == "local" and after.privacy.images == "pass":
        return "images may then leave this machine"
    for name in dict.fromkeys((*after.agents, "default")):
        old, agent = before.agent(name), after.agent(name)
        if old.sensitive and not agent.sensitive:
            return f"what {name} sends may then leave this machine"
        was, now = old.privacy_actions(before.privacy), agent.privacy_actions(after.privacy)
        if now.stricter(was) != now:
            return f"private data of {name} may then leave this machine with placeholders"
    return ""


def overridden(settings: Settings, values: Mapping[str, str]) -> Settings:
    """The settings with each key set to its value, written as in TOML; a bare word is text.

    Raises WrongSettings with the words for a claw.toml that says so, WrongUse for a value that is nested too deeply.
    """
    if not values:
        return settings
    tables: dict[str, Any] = msgspec.to_builtins(settings)
    for key, value in values.items():
        put(tables, tuple(parts_of(key)), _value(value))
    try:
        return converted(tables)
    except ValueError as error:
        raise WrongSettings(str(error)) from None


def value_of(settings: Settings, key: str) -> str:
    """The value in force, as it is shown; "not set" where there is none."""
    found: Any = reduce(
        lambda table, part: table.get(part) if isinstance(table, dict) else None,
        parts_of(key),
        msgspec.to_builtins(settings),
    )
    return _shown(found)


def _shown(value: Any) -> str:
    match value:
        case None | "":
            return "not set"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(map(_shown, value)) or "none"
        case _:
            return str(value)


def _value(text: str) -> Any:
    if WITHOUT_ZERO.fullmatch(text):
        return Decimal(text)
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except tomllib.TOMLDecodeError:
        return text
    except RecursionError:
        raise WrongUse("the value is nested too deeply") from None
