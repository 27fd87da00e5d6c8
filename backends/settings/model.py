"""Settings: built-in values, then claw.toml, then the environment, each with the place it came from.

The field descriptions below are the help of `claw config`, the comments of the file that `claw config init` writes
and the table in the README.
"""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta, Struct, field

from backends.agent_names import spelled
from backends.errors import WrongSettings
from backends.settings.agents import Agent, strictest
from backends.settings.cache import Cache
from backends.settings.checks import check
from backends.settings.engines import KINDS, Engine, built_in_engines, completed, lacking
from backends.settings.gateway import Gateway
from backends.settings.models import ModelFacts
from backends.settings.money import (
    Budget,
    Costs,
    Money,
    Price,
    PriceFrom,
    Tier,
)
from backends.settings.section import Positive, Seconds, Section, Share
from backends.settings.sources import from_environment, paths_of, put, read
from backends.types import CLOUD, LOCAL, DialBy, Verify, Zone

AGENTS = (
    "scout",
    "infra",
    "script",
    "intel",
    "classifier",
    "agent",
    "claw",
    "sherlock",
    "writer",
    "ada",
    "coding",
)
"""The eleven that are built in."""

LOCAL_AGENTS = frozenset({"scout", "infra"})

BUILT_IN_ZONES: dict[str, Zone] = {"local": LOCAL, "cloud": CLOUD}
"""Where the two built-in engines are, whatever their kind and address."""


class Router(Section, frozen=True, kw_only=True):
    dial: Annotated[
        Share, Meta(description="how much of the cloud's quality to keep, 0 to 1; higher sends more to the cloud")
    ] = 0.8
    dial_by: Annotated[
        DialBy,
        Meta(description="what the dial measures: quality, or cloud-share, the share of calls sent to the cloud"),
    ] = "quality"
    verify: Annotated[
        Verify,
        Meta(
            description="which local answers are checked: off, format, doubtful or always; the cloud answers if a "
            "check fails"
        ),
    ] = "format"
    max_prompt_bytes: Annotated[Positive, Meta(description="larger requests get 413")] = 8_388_608
    deadline_s: Annotated[Seconds, Meta(description="seconds to the first byte, and for any silence after it")] = 120.0


class Privacy(Section, frozen=True, kw_only=True):
    words: Annotated[tuple[str, ...], Meta(description="words that mark a prompt as sensitive")] = ()
    patterns: Annotated[tuple[str, ...], Meta(description="regular expressions that mark a prompt as sensitive")] = ()
    action: Annotated[
        Literal["local", "redact"],
        Meta(
            description="what happens to sensitive prompts: local keeps them local, redact may send them with "
            "placeholders"
        ),
    ] = "local"
    images: Annotated[
        Literal["pass", "local"],
        Meta(description="images are not checked: pass treats them as harmless, local keeps each one local"),
    ] = "pass"
    internal_hosts: Annotated[
        tuple[str, ...],
        Meta(description="hosts (*.corp.example) and networks (10.0.0.0/8) whose addresses count as private"),
    ] = ()


class LedgerSettings(Section, frozen=True, kw_only=True):
    bodies: Annotated[bool, Meta(description="whether prompts and answers are stored")] = False
    on_unwritable: Annotated[
        Literal["local-only", "refuse", "serve"],
        Meta(description="what continues when no row can be written: local-only, refuse or serve"),
    ] = "local-only"
    keep_days: Annotated[
        Annotated[int, Meta(ge=62, le=36500)] | None,
        Meta(description="days after which rows and bodies are deleted; sums by the hour stay. Not set keeps all"),
    ] = None
    spill_bytes: Annotated[
        Annotated[int, Meta(ge=65_536)],
        Meta(description="bytes reserved on disk for rows that cannot be written, with on_unwritable = serve"),
    ] = 16_777_216


class Telemetry(Section, frozen=True, kw_only=True):
    interval_s: Annotated[
        Annotated[float, Meta(ge=0.2)],
        Meta(description="seconds between samples of GPU, host and engines, 0.2 or more"),
    ] = 2.0
    gpu: Annotated[bool, Meta(description="whether NVIDIA GPUs are sampled")] = True


class Console(Section, frozen=True, kw_only=True):
    theme: Annotated[str, Meta(description="name of a theme; `claw --theme` overrides it")] = "claw-dark"
    mouse: Annotated[bool, Meta(description="whether the console uses the mouse")] = True


class Settings(Section, frozen=True, kw_only=True):
    engines: dict[str, Engine] = field(default_factory=built_in_engines)
    router: Router = Router()
    agents: dict[str, Agent] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = (Budget(limit_usd=Decimal("5.00")),)
    cache: Cache = Cache()
    privacy: Privacy = Privacy()
    ledger: LedgerSettings = LedgerSettings()
    prices: dict[str, Price] = field(default_factory=dict)
    models: dict[str, ModelFacts] = field(default_factory=dict)
    money: Money = Money()
    costs: Costs = Costs()
    telemetry: Telemetry = Telemetry()
    gateway: Gateway = Gateway()
    console: Console = Console()

    def zone(self, engine: str) -> Zone | None:
        """The zone that an engine is in; None where nobody can tell, so that nothing may be sent there."""
        return self.engines[engine].place or BUILT_IN_ZONES.get(engine)

    def engines_in(self, zone: Zone) -> tuple[str, ...]:
        """The names of the engines of a zone, in their order."""
        return tuple(name for name in self.engines if self.zone(name) == zone)

    def agent(self, name: str) -> Agent:
        """An agent's settings, its name in any case; one that nobody configured has those of `default`, or `auto`."""
        return self.agents.get(name) or self.agents.get(spelled(name, self.agents) or "default") or Agent()

    def rules(self, agent: str, also: Iterable[str] = ()) -> Agent:
        """The rules of a request by `agent` that names the agents of `also` too: the strictest of all.

        Raises Refused where they leave nobody who may answer.
        """
        own = self.agent(agent)
        return strictest(own, map(self.agent, also), privacy=self.privacy.action) if also else own

    def guards(self, name: str) -> bool:
        """Is what this agent sends to be kept at home?"""
        agent = self.agent(name)
        return agent.sensitive or agent.policy == "local"

    def refuses_unknown_agents(self) -> bool:
        """Are requests of agents that nobody configured to be refused?"""
        said = self.gateway.unknown_agents
        if said is not None:
            return said == "refuse"
        return any(
            agent.sensitive or (agent.policy == "local" and name.casefold() not in LOCAL_AGENTS)
            for name, agent in self.agents.items()
        )


class Loaded(Struct, frozen=True, kw_only=True):
    """Settings in force, and for each dotted key that was set somewhere, where ("claw.toml", "OLLAMA_HOST")."""

    settings: Settings
    sources: dict[str, str]


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read `path` (which may be absent) and the environment. Raises WrongSettings, naming key and remedy."""
    env = os.environ if environ is None else environ
    raw = read(path)
    sources = {_joined(key): str(path) for key in paths_of(raw)}
    for variable, key, value in from_environment(env, raw):
        put(raw, key, value)
        sources[key] = variable
    return Loaded(settings=_convert(raw, path), sources=sources)


def _convert(raw: dict[str, Any], path: Path) -> Settings:
    raw = _with_built_in_engines(raw, path)
    for key in paths_of(raw):
        _know(key, raw)
    try:
        settings = msgspec.convert(_with_built_in_agents(raw), Settings, strict=True)
    except msgspec.ValidationError as error:
        raise WrongSettings(f"{path}: {_humane(_named(str(error), raw))}") from None
    check(settings, path)
    return settings


def _with_built_in_engines(raw: dict[str, Any], path: Path) -> dict[str, Any]:
    given = raw.get("engines", {})
    if not isinstance(given, dict):
        return raw
    for name, table in given.items():
        if isinstance(table, dict) and (missing := lacking(name, table)):
            raise WrongSettings(f"{path}: `engines.{quoted(name)}.{missing}` must be set: {name} is not built in")
    return raw | {"engines": completed(given)}


def _with_built_in_agents(raw: dict[str, Any]) -> dict[str, Any]:
    given = raw.get("agents", {})
    if not isinstance(given, dict):
        return raw
    agents: dict[str, Any] = {}
    for built_in in AGENTS:
        policy = {"policy": "local" if built_in in LOCAL_AGENTS else "auto"}
        agents[spelled(built_in, given) or built_in] = policy
    for name, table in given.items():
        agents[name] = agents.get(name, {}) | table if isinstance(table, dict) else table
    return raw | {"agents": agents} | _budgets_of(raw, agents)


def _budgets_of(raw: dict[str, Any], agents: dict[str, Any]) -> dict[str, Any]:
    """The budgets of agents under the names that these have, in whatever case they were written."""
    budgets = raw.get("budgets")
    if not isinstance(budgets, list):
        return {}
    return {"budgets": [_budget_of(each, agents) if isinstance(each, dict) else each for each in budgets]}


def _budget_of(budget: dict[str, Any], agents: dict[str, Any]) -> dict[str, Any]:
    scope, _, name = str(budget.get("scope", "")).partition(":")
    known = spelled(name, agents) if scope == "agent" else None
    return budget | {"scope": f"agent:{known}"} if known else budget


def _named(message: str, raw: dict[str, Any]) -> str:
    """msgspec says `agents[...]`, whichever agent it is: put the name there."""
    for table, sections in FREE_TABLES.items():
        found = raw.get(table)
        if f"`$.{table}[...]" in message and isinstance(found, dict):
            for name, given in found.items():
                try:
                    msgspec.convert(given, Union[sections], strict=True)  # noqa: UP007 — of a tuple
                except msgspec.ValidationError:
                    return message.replace("[...]", f".{name}", 1)
    return message


def _humane(message: str) -> str:
    """msgspec's "Expected `int`, got `str` - at `$.engines.local.parallel`", key first."""
    what, _, where = message.rpartition(" - at `$")
    return f"`{where.strip('`').lstrip('.')}`: {what}" if what else message


BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes."""

FREE_TABLES: dict[str, tuple[type[Section], ...]] = {
    "engines": tuple(KINDS.values()),
    "agents": (Agent,),
    "prices": (Price,),
    "models": (ModelFacts,),
}
"""Tables at the top whose keys are names of the operator's own."""

FREE_VALUES = (("cache", "ttl_s"), ("gateway", "models"))
"""Settings that are tables of values, whose keys are free too."""

LISTS: dict[str, type[Section]] = {"budgets": Budget, "tiers": Tier, "changes": PriceFrom}
"""Arrays of tables."""


def known_keys() -> list[tuple[str, ...]]:
    """Every setting as a path, with NAME where a table's keys are free."""
    return sorted(set(_keys_of(Settings)))


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


def _know(key: tuple[str, ...], raw: dict[str, Any]) -> None:
    free = key[0] in FREE_TABLES and len(key) > 1
    general = (key[0], "NAME", *key[2:]) if free else key[:2] if key[:2] in FREE_VALUES else key
    known = known_keys()
    if key[0] == "engines" and len(key) > 1 and (kind := KINDS.get(_kind(raw, key[1]))):
        known = sorted(_keys_of(kind, "engines", "NAME"))
    if any(path[: len(general)] == general for path in known):
        return
    nearest = difflib.get_close_matches(_joined(general), map(_joined, known), n=1, cutoff=0.0)[0]
    shown = nearest.replace(".NAME.", f".{quoted(key[1])}.") if free else nearest
    if free and any(path[2:] == key[-1:] for path in known if path[0] == key[0]):  # a name with dots, written without
        shown = f"{key[0]}.{quoted('.'.join(key[1:-1]))}.{key[-1]}"
    raise WrongSettings(f"unknown setting `{_joined(key)}`: the nearest valid one is `{shown}`")


def _kind(raw: dict[str, Any], engine: str) -> str:
    """The kind of an engine, as far as the tables that nobody has judged yet say it."""
    table = raw["engines"].get(engine)
    return str(table.get("kind")) if isinstance(table, dict) else ""


def quoted(part: str) -> str:
    """One part of a dotted key, as it has to be written in claw.toml and for `claw config set`."""
    return part if BARE.fullmatch(part) else f'"{part}"'


def _joined(path: tuple[str, ...]) -> str:
    return ".".join(map(quoted, path))
