"""Settings: built-in values, then claw.toml, then the environment, each with the place it came from.

The field descriptions below are the help of `claw config`, the comments of the file that `claw config init` writes
and the table in the README.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from backends.errors import WrongSettings
from backends.settings_agent import Agent
from backends.settings_cache import Cache
from backends.settings_checks import check
from backends.settings_money import Budget, Costs, Money, Price, PriceFrom, Tier
from backends.settings_section import Positive, Seconds, Section, Share
from backends.settings_sources import from_environment, paths_of, put, read
from backends.types import DialBy, Verify

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


class LocalEngine(Section, frozen=True, kw_only=True):
    kind: Annotated[
        Literal["ollama", "openai"],
        Meta(description="ollama, or openai for any OpenAI-compatible server such as vLLM or llama-server"),
    ] = "ollama"
    base_url: Annotated[str, Meta(description="where it listens; OLLAMA_HOST is read too, where it is an Ollama")] = (
        "http://127.0.0.1:11434"
    )
    model: Annotated[str, Meta(description="the model that answers")] = "qwen2.5:14b"
    parallel: Annotated[Positive, Meta(description="calls at once; what waits beyond is the queue")] = 2
    queue_limit: Annotated[Positive, Meta(description="calls that may wait; more are refused with 503")] = 64
    context: Annotated[
        Positive, Meta(description="largest num_ctx in tokens; calls share one size so that Ollama never reloads")
    ] = 16384
    max_output: Annotated[Positive, Meta(description="cap on output tokens of one call")] = 4096
    keep_alive: Annotated[
        str | int,
        Meta(description="how long Ollama keeps the model loaded after a call: seconds, or as 1h30m; -1 is for good"),
    ] = "30m"
    first_byte_s: Annotated[Seconds, Meta(description="longest wait for the first byte, loading included")] = 120.0
    idle_s: Annotated[Seconds, Meta(description="longest silence in the middle of a stream")] = 60.0


class CloudEngine(Section, frozen=True, kw_only=True):
    model: Annotated[str, Meta(description="the Gemini model that answers")] = "gemini-2.5-flash"
    parallel: Annotated[Positive, Meta(description="calls at once")] = 32
    queue_limit: Annotated[Positive, Meta(description="calls that may wait; more are refused with 503")] = 256
    base_url: Annotated[
        str | None, Meta(description="another place that speaks Gemini's API; CLAW_GEMINI_BASE_URL is read too")
    ] = None
    max_output: Annotated[Positive, Meta(description="cap on output tokens of one call, thinking excluded")] = 8192
    thinking_budget: Annotated[
        Annotated[int, Meta(ge=0)], Meta(description="most thinking tokens of one call; 0 turns thinking off")
    ] = 2048
    first_byte_s: Annotated[Seconds, Meta(description="longest wait for the first byte")] = 60.0
    idle_s: Annotated[Seconds, Meta(description="longest silence in the middle of a stream")] = 30.0
    discount: Annotated[
        Decimal, Meta(description="negotiated share off the built-in prices, as decimal text; yours are net already")
    ] = Decimal(0)


class Engines(Section, frozen=True, kw_only=True):
    local: LocalEngine = LocalEngine()
    cloud: CloudEngine = CloudEngine()


class Router(Section, frozen=True, kw_only=True):
    dial: Annotated[Share, Meta(description="quality kept against all-cloud, 0..1; higher sends more to the cloud")] = (
        0.8
    )
    dial_by: Annotated[
        DialBy, Meta(description="what the dial counts: quality kept, or cloud-share: the share of calls sent there")
    ] = "quality"
    verify: Annotated[
        Verify,
        Meta(description="local answers to check, the cloud answers where they fail: off | format | doubtful | always"),
    ] = "format"
    max_prompt_bytes: Annotated[Positive, Meta(description="larger prompts are refused with 413")] = 8_388_608
    deadline_s: Annotated[Seconds, Meta(description="for agents that set none")] = 120.0


class Privacy(Section, frozen=True, kw_only=True):
    words: Annotated[tuple[str, ...], Meta(description="words that mark a prompt as sensitive")] = ()
    patterns: Annotated[tuple[str, ...], Meta(description="regular expressions that do")] = ()
    action: Annotated[
        Literal["local", "redact"], Meta(description="keep such prompts local, or send them with placeholders")
    ] = "local"
    images: Annotated[
        Literal["pass", "local"], Meta(description="no image can be read: let them pass, or keep every one local")
    ] = "pass"
    internal_hosts: Annotated[
        tuple[str, ...],
        Meta(description="hosts (*.corp.example) and networks (10.0.0.0/8) whose addresses are private"),
    ] = ()


class LedgerSettings(Section, frozen=True, kw_only=True):
    bodies: Annotated[bool, Meta(description="store prompts and answers?")] = False
    on_unwritable: Annotated[
        Literal["local-only", "refuse", "serve"], Meta(description="what goes on when no row can be written")
    ] = "local-only"
    keep_days: Annotated[
        Annotated[int, Meta(ge=62, le=36500)] | None,
        Meta(
            description="older rows and bodies are deleted, their sums by the hour stay; with none given all are kept"
        ),
    ] = None
    spill_bytes: Annotated[
        Annotated[int, Meta(ge=65_536)], Meta(description="set aside on disk for rows that serve keeps meanwhile")
    ] = 16_777_216


class Telemetry(Section, frozen=True, kw_only=True):
    interval_s: Annotated[
        Annotated[float, Meta(ge=0.2)], Meta(description="seconds between looks at GPU, host and engine, 0.2 or more")
    ] = 2.0
    gpu: Annotated[bool, Meta(description="look at NVIDIA GPUs?")] = True


class Gateway(Section, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="loopback address to listen on")] = "127.0.0.1"
    port: Annotated[Annotated[int, Meta(ge=0, le=65535)], Meta(description="0 takes a free one")] = 8787
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="further Host names that callers may use, without port")
    ] = ()
    drain_s: Annotated[Seconds, Meta(description="how long SIGTERM waits for running calls")] = 30.0


class Console(Section, frozen=True, kw_only=True):
    theme: Annotated[str, Meta(description="a theme of themes/; `claw --theme` outranks it")] = "claw-dark"
    mouse: Annotated[bool, Meta(description="take mouse input?")] = True


class Settings(Section, frozen=True, kw_only=True):
    engines: Engines = Engines()
    router: Router = Router()
    agents: dict[str, Agent] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = (Budget(limit_usd=Decimal("5.00")),)
    cache: Cache = Cache()
    privacy: Privacy = Privacy()
    ledger: LedgerSettings = LedgerSettings()
    prices: dict[str, Price] = field(default_factory=dict)
    money: Money = Money()
    costs: Costs = Costs()
    telemetry: Telemetry = Telemetry()
    gateway: Gateway = Gateway()
    console: Console = Console()

    def agent(self, name: str) -> Agent:
        """An agent's settings; one that nobody configured is `auto`."""
        return self.agents.get(name) or Agent()


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


def gemini_key(environ: Mapping[str, str] | None = None) -> str | None:
    """The Gemini key, read as Google's own tools read it; the first non-empty one."""
    env = os.environ if environ is None else environ
    return env.get("GOOGLE_API_KEY") or env.get("GEMINI_API_KEY") or None


SECRETS = frozenset({"GOOGLE_API_KEY", "GEMINI_API_KEY", "CLAW_CONTROL_TOKEN"})
"""Variables that hold a secret."""


def without_secrets(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a process that needs no key: others of this user can read what it is given."""
    env = os.environ if environ is None else environ
    return {name: value for name, value in env.items() if name not in SECRETS}


def _convert(raw: dict[str, Any], path: Path) -> Settings:
    for key in paths_of(raw):
        _know(key)
    try:
        settings = msgspec.convert(_with_built_in_agents(raw), Settings, strict=True)
    except msgspec.ValidationError as error:
        raise WrongSettings(f"{path}: {_humane(_named(str(error), raw))}") from None
    check(settings, path)
    return settings


def _with_built_in_agents(raw: dict[str, Any]) -> dict[str, Any]:
    given = raw.get("agents", {})
    if not isinstance(given, dict):
        return raw
    agents: dict[str, Any] = {name: {"policy": "local" if name in LOCAL_AGENTS else "auto"} for name in AGENTS}
    for name, table in given.items():
        agents[name] = agents.get(name, {}) | table if isinstance(table, dict) else table
    return raw | {"agents": agents}


def _named(message: str, raw: dict[str, Any]) -> str:
    """msgspec says `agents[...]`, whichever agent it is: put the name there."""
    for table, section in FREE_TABLES.items():
        found = raw.get(table)
        if f".{table}[...]" in message and isinstance(found, dict):
            for name, given in found.items():
                try:
                    msgspec.convert(given, section, strict=True)
                except msgspec.ValidationError:
                    return message.replace("[...]", f".{name}", 1)
    return message


def _humane(message: str) -> str:
    """msgspec's "Expected `int`, got `str` - at `$.engines.local.parallel`", key first."""
    what, _, where = message.rpartition(" - at `$")
    return f"`{where.strip('`').lstrip('.')}`: {what}" if what else message


FREE_TABLES: dict[str, type[Section]] = {"agents": Agent, "prices": Price}
"""Tables whose keys are names of the operator's own."""

LISTS: dict[str, type[Section]] = {"budgets": Budget, "tiers": Tier, "changes": PriceFrom}
"""Arrays of tables."""


def known_keys() -> list[tuple[str, ...]]:
    """Every setting as a path, with NAME where a table's keys are free."""
    return sorted(_keys_of(Settings))


def _keys_of(section: type[Section], *prefix: str) -> Iterator[tuple[str, ...]]:
    for item in msgspec.structs.fields(section):
        if item.name in FREE_TABLES:
            yield from _keys_of(FREE_TABLES[item.name], *prefix, item.name, "NAME")
        elif item.name in LISTS:
            yield from _keys_of(LISTS[item.name], *prefix, item.name)
        elif isinstance(item.type, type) and issubclass(item.type, Section):
            yield from _keys_of(item.type, *prefix, item.name)
        else:
            yield (*prefix, item.name)


def _know(key: tuple[str, ...]) -> None:
    free = key[0] in FREE_TABLES and len(key) > 1
    general = (key[0], "NAME", *key[2:]) if free else key[:2] if key[:2] == ("cache", "ttl_s") else key
    known = known_keys()
    if any(path[: len(general)] == general for path in known):
        return
    nearest = difflib.get_close_matches(_joined(general), map(_joined, known), n=1, cutoff=0.0)[0]
    shown = nearest.replace(".NAME.", f".{key[1]}.") if free else nearest
    raise WrongSettings(f"unknown setting `{_joined(key)}`: the nearest valid one is `{shown}`")


def _joined(path: tuple[str, ...]) -> str:
    return ".".join(path)
