"""Settings read: built-in values, then claw.toml, then the environment, each with the place it came from."""

import os
import re
from collections.abc import Mapping
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, Union

import msgspec
from msgspec import Struct

from backends.agent_names import spelled
from backends.errors import WrongSettings
from backends.settings.agents import AGENTS, LOCAL_AGENTS
from backends.settings.engines import check_kind, completed
from backends.settings.known_keys import FREE_TABLES, FREE_VALUES, check_keys
from backends.settings.model import Settings
from backends.settings.section import dotted
from backends.settings.sources import from_environment, paths_of, put, read
from backends.text.terminal_safe import safe

FIELD = re.compile(r"`([^`]+)`(.*)", re.DOTALL)
"""How the message of a check begins: with the field, whose table is not said yet."""


class Loaded(Struct, frozen=True, kw_only=True):
    """Settings in force, and for each dotted key that was set somewhere, where ("claw.toml", "OLLAMA_HOST")."""

    settings: Settings
    sources: dict[str, str]


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read `path` (which may be absent) and the environment. Raises WrongSettings, naming key and remedy."""
    env = os.environ if environ is None else environ
    tables = read(path)
    sources = {dotted(*key): str(path) for key in paths_of(tables)}
    for variable, key, value in from_environment(env, tables):
        put(tables, key, value)
        sources[dotted(*key)] = variable
    try:
        return Loaded(settings=converted(tables), sources=sources)
    except ValueError as error:
        raise WrongSettings(f"{path}: {error}") from None


def converted(tables: dict[str, Any]) -> Settings:
    """The settings that the tables of claw.toml make. Raises ValueError, whose text names the setting first."""
    _check_text(tables)
    tables = _with_built_in_agents(_with_built_in_engines(tables))
    check_keys(tables)
    try:
        return msgspec.convert(tables, Settings, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(_key_first(_named(str(error), tables))) from None


def _check_text(value: Any, where: str = "") -> None:
    """Raise ValueError for the first name or value with a character that would act on a terminal, a log or a header.

    The values of `privacy` are what prompts are compared with, and prompts may have any character.
    """
    if where == "privacy":
        return
    if isinstance(value, str) and safe(value) != value:
        raise ValueError(f"`{where}` has a control or invisible character: write it without")
    if isinstance(value, list):
        for index, each in enumerate(value):
            _check_text(each, f"{where}[{index}]")
    if isinstance(value, dict):
        for name, each in value.items():
            key = f"{where}.{dotted(safe(name))}".lstrip(".")
            if safe(name) != name:
                raise ValueError(f"`{key}` has a control or invisible character in its name: write it without")
            _check_text(each, key)


def _with_built_in_engines(tables: dict[str, Any]) -> dict[str, Any]:
    given = tables.get("engines", {})
    if not isinstance(given, dict):
        return tables
    for name, table in given.items():
        if isinstance(table, dict):
            try:
                check_kind(name, table)
            except ValueError as error:
                raise ValueError(_in_table(dotted("engines", name), str(error))) from None
    return tables | {"engines": completed(given)}


def _with_built_in_agents(tables: dict[str, Any]) -> dict[str, Any]:
    given = tables.get("agents", {})
    if not isinstance(given, dict):
        return tables
    agents: dict[str, Any] = {}
    for built_in in AGENTS:
        policy = {"policy": "local" if built_in in LOCAL_AGENTS else "auto"}
        agents[spelled(built_in, given) or built_in] = policy
    for name, table in given.items():
        agents[name] = agents.get(name, {}) | table if isinstance(table, dict) else table
    return tables | {"agents": agents} | _budgets_of(tables, agents)


def _budgets_of(tables: dict[str, Any], agents: dict[str, Any]) -> dict[str, Any]:
    """The budgets of agents under the names that these have, in whatever case they were written."""
    budgets = tables.get("budgets")
    if not isinstance(budgets, list):
        return {}
    return {"budgets": [_budget_of(each, agents) if isinstance(each, dict) else each for each in budgets]}


def _budget_of(budget: dict[str, Any], agents: dict[str, Any]) -> dict[str, Any]:
    scope, _, name = str(budget.get("scope", "")).partition(":")
    known = spelled(name, agents) if scope == "agent" else None
    return budget | {"scope": f"agent:{known}"} if known else budget


NAMED: dict[tuple[str, ...], Any] = {
    **{(table,): Union[kinds] for table, kinds in FREE_TABLES.items()},  # noqa: UP007 — of a tuple
    **FREE_VALUES,
}
"""The tables whose keys are the operator's own names, with the type of a value."""


def _named(message: str, tables: dict[str, Any]) -> str:
    """msgspec says `agents[...]`, whichever agent it is: put the name there."""
    for path, kind in NAMED.items():
        where = f"`$.{dotted(*path)}[...]"
        if where in message:
            for name, value in reduce(getitem, path, tables).items():
                try:
                    msgspec.convert(value, kind, strict=True)
                except msgspec.ValidationError:
                    return message.replace(where, f"`$.{dotted(*path, name)}", 1)
    return message


def _key_first(message: str) -> str:
    """msgspec's "Expected `int`, got `str` - at `$.engines.local.parallel`" with the setting in front."""
    what, _, where = message.rpartition(" - at `$")
    return _in_table(where.removesuffix("`").lstrip("."), what) if what else message


def _in_table(table: str, message: str) -> str:
    """The message of a field of `table`, or of the table itself, with the full name in front."""
    if field := FIELD.fullmatch(message):
        return f"`{table}.{field[1]}`{field[2]}"
    return f"`{table}`: {message}"
