"""The keys that claw.toml may have: the commented file has each of them, and a key that is none of them is refused."""

import difflib
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec

from backends.settings.agents import Agent
from backends.settings.engines import KINDS
from backends.settings.model import Settings
from backends.settings.model_facts import ModelFacts
from backends.settings.money import Budget, Price, PriceFrom, Tier
from backends.settings.notify import Notify
from backends.settings.section import NotNegative, Section, dotted, quoted
from backends.settings.sources import paths_of

FREE_TABLES: dict[str, tuple[type[Section], ...]] = {
    "engines": tuple(KINDS.values()),
    "agents": (Agent,),
    "prices": (Price,),
    "models": (ModelFacts,),
}
"""Tables at the top whose keys are names of the operator's own."""

FREE_VALUES: dict[tuple[str, ...], Any] = {("cache", "ttl_s"): NotNegative, ("gateway", "models"): str}
"""Settings that are tables of values, whose keys are free too, with the type of a value."""

LISTS: dict[str, type[Section]] = {
    "budgets": Budget,
    "notify": Notify,
    "tiers": Tier,
    "changes": PriceFrom,
}
"""Arrays of tables."""


@cache
def known_keys() -> tuple[tuple[str, ...], ...]:
    """Every setting as a path, with NAME where a table's keys are free."""
    return tuple(sorted(set(_keys_of(Settings))))


def check_keys(tables: dict[str, Any]) -> None:
    """Raise ValueError for the first key of a claw.toml that is not a setting; it names the nearest that is."""
    for key in paths_of(tables):
        kind = _kind_of_engine(key, tables)
        known = _known_for(kind)
        general = _general(key)
        if not any(path[: len(general)] == general for path in known):
            raise ValueError(_unknown(key, general, kind))


def is_setting(key: tuple[str, ...]) -> bool:
    """Does it name one setting, and not a table of several?"""
    return _general(key) in known_keys()


def _keys_of(section: type[Section], *prefix: str) -> Iterator[tuple[str, ...]]:
    if tag_field := section.__struct_config__.tag_field:
        yield (*prefix, tag_field)
    for item in msgspec.structs.fields(section):
        if not prefix and item.name in FREE_TABLES:
            for free in FREE_TABLES[item.name]:
                yield from _keys_of(free, *prefix, item.name, "NAME")
        elif item.name in LISTS:
            yield from _keys_of(LISTS[item.name], *prefix, item.name)
        elif isinstance(item.type, type) and issubclass(item.type, Section):
            yield from _keys_of(item.type, *prefix, item.name)
        else:
            yield (*prefix, item.name)


@cache
def _known_for(kind: str | None) -> tuple[tuple[str, ...], ...]:
    """The keys of an engine of this kind; of no engine in particular, all."""
    return known_keys() if kind is None else tuple(sorted(_keys_of(KINDS[kind], "engines", "NAME")))


def _kind_of_engine(key: tuple[str, ...], tables: dict[str, Any]) -> str | None:
    """The kind of the engine that a key belongs to; None where it belongs to none, or the kind does not exist."""
    if key[0] != "engines" or len(key) < 3:
        return None
    engines = tables["engines"]
    table = engines.get(key[1]) if isinstance(engines, dict) else None
    kind = table.get("kind") if isinstance(table, dict) else None
    return kind if isinstance(kind, str) and kind in KINDS else None


def _general(key: tuple[str, ...]) -> tuple[str, ...]:
    """A key as `known_keys` has it."""
    if key[0] in FREE_TABLES and len(key) > 1:
        return (key[0], "NAME", *key[2:])
    return key[:2] if key[:2] in FREE_VALUES else key


def _unknown(key: tuple[str, ...], general: tuple[str, ...], kind: str | None) -> str:
    """What is wrong with a key that is not a setting."""
    free = key[0] in FREE_TABLES and len(key) > 1
    if kind and general in known_keys():
        others = " and ".join(other for other in KINDS if general in _known_for(other))
        return f"`{dotted(*key)}` is not a setting of {kind} engines, only of {others}"
    if free and any(path[2:] == key[-1:] for path in known_keys() if path[0] == key[0]):
        nearest = dotted(key[0], ".".join(key[1:-1]), key[-1])  # a name with dots, written without quotes
    else:
        names = map(".".join, _known_for(kind))
        nearest = difflib.get_close_matches(".".join(general), names, n=1, cutoff=0.0)[0]
        nearest = nearest.replace(".NAME.", f".{quoted(key[1])}.") if free else nearest
    return f"unknown setting `{dotted(*key)}`: the nearest valid one is `{nearest}`"
