"""The tables `[engines.NAME]` of claw.toml: a struct for each kind of engine, and what a zone is told by."""

import os
import re
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from backends.keep_alive import keep_alive
from backends.settings.section import Positive, Seconds, Section
from backends.types import CLOUD, LOCAL, EngineName, Zone

GEMINI_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""Where Google's own tools look for a key, in their order."""

BUILT_IN = ("local", "cloud")
"""The engines that are there with no setting: an Ollama on this machine, and Gemini."""

LOCAL_ENGINE, CLOUD_ENGINE = BUILT_IN
"""`CLOUD_ENGINE` is also the one whose model and prices are meant by "all-cloud", the baseline of savings."""


class EngineSettings(Section, frozen=True, kw_only=True, tag_field="kind"):
    """What every kind has. `zone` is as claw.toml sets it; `place` is the zone that the engine is in."""

    zone: Annotated[
        Zone | None,
        Meta(
            description="local or cloud; not set: gemini is cloud, an Ollama on this machine is local, all others must"
            " say it; local, when set, lists its hosts as places that sensitive prompts may go to"
        ),
    ] = None
    model: Annotated[str, Meta(description="the model that answers")]
    key_env: Annotated[
        str | None,
        Meta(description="environment variable with its key; for gemini not set means GOOGLE_API_KEY, GEMINI_API_KEY"),
    ] = None
    ability: Annotated[
        Annotated[float, Meta(gt=0, lt=100)] | None,
        Meta(description="how able its model is, as a score on MMLU-Pro in percent, in place of the built-in one"),
    ] = None
    discount: Annotated[
        Decimal, Meta(description="negotiated share off the built-in prices, as decimal text; yours are net already")
    ] = Decimal(0)
    parallel: Annotated[Positive, Meta(description="calls at once; what waits beyond is the queue")]
    queue_limit: Annotated[Positive, Meta(description="calls that may wait; more are refused with 503")]
    first_byte_s: Annotated[Seconds, Meta(description="longest wait for the first byte, loading included")]
    idle_s: Annotated[Seconds, Meta(description="longest silence in the middle of a stream")]

    def __post_init__(self) -> None:
        if not (self.discount.is_finite() and 0 <= self.discount < 1):
            raise ValueError('`discount` must be from 0 to below 1, as "0.15"')

    @property
    def kind(self) -> str:
        """ollama, openai or gemini."""
        return str(self.__struct_config__.tag)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it listens: one address, or one for each replica; none where its client knows the place."""
        raise NotImplementedError

    @property
    def place(self) -> Zone | None:
        """The zone that it is in; None where neither its kind nor its settings tell."""
        return self.zone

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables that may hold its key, of which the first that is set counts; () needs no key."""
        return (self.key_env,) if self.key_env else ()

    def missing_key(self, name: EngineName, key: str | None) -> str:
        """What the engine `name` lacks, and what to do, where it needs a key and has none; else ""."""
        return f"no key for {name}: set {self.key_variables[-1]}" if self.key_variables and not key else ""


class ServerSettings(EngineSettings, frozen=True, kw_only=True):
    """A server at an address of the operator's choice."""

    base_url: Annotated[str, Meta(description="where it listens; OLLAMA_HOST is read too, where it is an Ollama")] = (
        "http://127.0.0.1:11434"
    )
    replicas: Annotated[
        tuple[str, ...], Meta(description="further addresses of the same model; all share this engine's queue")
    ] = ()
    model: Annotated[str, Meta(description="the model that answers")] = "qwen2.5:14b"
    parallel: Annotated[Positive, Meta(description="calls at once at each address; what waits beyond is the queue")] = 2
    queue_limit: Annotated[Positive, Meta(description="calls that may wait; more are refused with 503")] = 64
    context: Annotated[
        Positive | Literal["auto"], Meta(description="tokens that prompt and answer may have together")
    ] = 16384
    max_output: Annotated[
        Positive | None,
        Meta(
            description="cap on output tokens of one call; with none given 4096 where a request names no number, else"
            " what it names, as far as the window leaves room"
        ),
    ] = None
    min_output: Annotated[
        Positive, Meta(description="output tokens that a prompt must leave room for; a longer one does not fit")
    ] = 1024
    first_byte_s: Annotated[Seconds, Meta(description="longest wait for the first byte, loading included")] = 120.0
    idle_s: Annotated[Seconds, Meta(description="longest silence in the middle of a stream")] = 60.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_base_url("base_url", self.base_url)
        for replica in self.replicas:
            _check_base_url("replicas", replica)
        if len({address.rstrip("/") for address in self.addresses}) != len(self.addresses):
            raise ValueError("`replicas` names an address twice; base_url is one of the addresses")
        if self.context != "auto" and self.min_output >= self.context:
            raise ValueError(
                f"`min_output` must be less than context ({self.context}): it is the part of it that is left for an"
                " answer"
            )

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.base_url, *self.replicas)


class OllamaSettings(ServerSettings, frozen=True, kw_only=True, tag="ollama"):
    context: Annotated[
        Positive | Literal["auto"],
        Meta(
            description="tokens that prompt and answer may have together (num_ctx), one size for all calls, so that"
            " Ollama never reloads; auto is what the model has, as far as the memory holds it `parallel` times"
        ),
    ] = "auto"
    keep_alive: Annotated[
        str | int,
        Meta(description="how long Ollama keeps the model loaded after a call: seconds, or as 1h30m; -1 is for good"),
    ] = "30m"

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            keep_alive(self.keep_alive)
        except ValueError:  # Ollama would answer 400 to each call
            raise ValueError(
                '`keep_alive` must be seconds or a duration without blanks, as 1800 or "30m"; -1 keeps the model'
                " loaded, 0 unloads it at once"
            ) from None

    @property
    def place(self) -> Zone | None:
        """This machine's are local; of any other address nothing is known."""
        return self.zone or (LOCAL if all(map(is_loopback, self.addresses)) else None)


class OpenAISettings(ServerSettings, frozen=True, kw_only=True, tag="openai"):
    """Any OpenAI-compatible server: vLLM, llama-server, OpenRouter …"""

    context: Annotated[Positive, Meta(description="tokens that prompt and answer may have together")] = 16384


class GeminiSettings(EngineSettings, frozen=True, kw_only=True, tag="gemini"):
    UNSHOWN: ClassVar[frozenset[str]] = frozenset(("proxy",))

    zone: Annotated[Literal["cloud"] | None, Meta(description="cloud, which is built in")] = None
    model: Annotated[str, Meta(description="the Gemini model that answers")] = "gemini-3.5-flash-lite"
    parallel: Annotated[Positive, Meta(description="calls at once")] = 32
    queue_limit: Annotated[Positive, Meta(description="calls that may wait; more are refused with 503")] = 256
    base_url: Annotated[
        str | None, Meta(description="another place that speaks Gemini's API; CLAW_GEMINI_BASE_URL is read too")
    ] = None
    proxy: Annotated[
        str | None,
        Meta(
            description="http:// or https:// proxy between here and Gemini; user and password in it are shown nowhere"
        ),
    ] = None
    max_output: Annotated[
        Positive | None,
        Meta(
            description="cap on output tokens of one call, thinking excluded; with none given 8192 where a request"
            " names no number, else what it names, as far as the model can write"
        ),
    ] = None
    thinking_budget: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(
            description="most thinking tokens of one call, 0 is none where the model can; with none given 2048 for hard"
            " prompts of which nobody says how hard to think, else what the request's effort asks for"
        ),
    ] = None
    explicit_cache: Annotated[
        Literal["auto", "off"],
        Meta(
            description="auto keeps the beginning of a session's prompts at Gemini, for its price of storage, where"
            " that clearly saves more than Gemini's own cache; off never does"
        ),
    ] = "auto"
    first_byte_s: Annotated[Seconds, Meta(description="longest wait for the first byte")] = 60.0
    idle_s: Annotated[Seconds, Meta(description="longest silence in the middle of a stream")] = 30.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_base_url("base_url", self.base_url)
        _check_address("proxy", self.proxy)

    @property
    def addresses(self) -> tuple[str, ...]:
        return () if self.base_url is None else (self.base_url,)

    @property
    def place(self) -> Zone:
        return CLOUD

    @property
    def key_variables(self) -> tuple[str, ...]:
        return super().key_variables or GEMINI_KEYS


Engine = OllamaSettings | OpenAISettings | GeminiSettings

Keys = Mapping[EngineName, str | None]
"""The key of each engine; None for an engine without one."""


def read_keys(engines: Mapping[EngineName, Engine], environ: Mapping[str, str] | None = None) -> Keys:
    """Each engine's key, from the environment; an empty variable counts as not set."""
    env = os.environ if environ is None else environ
    return {
        name: next((env[variable] for variable in engine.key_variables if env.get(variable)), None)
        for name, engine in engines.items()
    }


KIND = "ollama, openai for any OpenAI-compatible server such as vLLM, llama-server or OpenRouter, or gemini"
"""What the setting `kind` means."""

KINDS: dict[str, type[EngineSettings]] = {"ollama": OllamaSettings, "openai": OpenAISettings, "gemini": GeminiSettings}

CLOUD_SERVER = {
    "parallel": 32,
    "queue_limit": 256,
    "context": 131_072,
    "min_output": 1,
    "first_byte_s": 60.0,
    "idle_s": 30.0,
}
"""What a server in the cloud has built in, in place of what one at home has."""

NEEDED = {"ollama": ("model",), "openai": ("model", "base_url"), "gemini": ("model",)}
"""What an engine that is not built in must set, by its kind."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
"""What an engine may be called: a key that TOML and a shell take without quotes."""


def built_in_engines() -> dict[str, Engine]:
    return {"local": OllamaSettings(), "cloud": GeminiSettings()}


def completed(given: dict[str, Any]) -> dict[str, Any]:
    """The tables of claw.toml with the built-in two in front, and what follows from a kind and a zone filled in."""
    kinds = {"local": "ollama", "cloud": "gemini"}
    tables = {name: given.get(name, {}) for name in (*kinds, *(name for name in given if name not in kinds))}
    return {
        name: _filled({"kind": kinds[name]} | table if name in kinds else table) if isinstance(table, dict) else table
        for name, table in tables.items()
    }


def _filled(table: dict[str, Any]) -> dict[str, Any]:
    cloud_server = table.get("kind") == "openai" and table.get("zone") == CLOUD
    return (CLOUD_SERVER | table) if cloud_server else table


def serves(engine: EngineSettings, model: str) -> bool:
    """May this engine be asked for a model of this name? One with a "/" is an OpenAI-compatible cloud's."""
    if model == engine.model:
        return True
    if model.removeprefix("models/").startswith("gemini-"):
        return engine.kind == "gemini"
    return engine.kind == "openai" if "/" in model else engine.kind in ("ollama", "openai")


def check_kind(name: EngineName, table: dict[str, Any]) -> None:
    """Raise ValueError where the kind of an engine does not exist, or its kind needs a setting that is not there.

    `table` is as claw.toml has it.
    """
    built_in = name in BUILT_IN
    if "kind" not in table:
        if built_in:
            return
        raise ValueError(f"`kind` must be set to ollama, openai or gemini; {SEVERAL}")
    kind = table["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError("`kind` must be ollama, openai or gemini")
    missing = [key for key in NEEDED[kind] if key not in table]
    if missing and not built_in:
        raise ValueError(f"`{missing[0]}` must be set for an engine of kind {kind}; {SEVERAL}")


HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+(%[\w.-]+)?")
"""A name or an IPv4 address, or an IPv6 address with its zone: no blanks, quotes or brackets."""

SEVERAL = "`claw config set` can set several keys at once"
"""How a new engine is added by a command: any of its keys alone would be refused."""


def _check_address(key: str, url: str | None) -> None:
    """Raise ValueError for anything but http:// or https:// with a host and, where it has a port, one that exists."""
    if url is None:
        return
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and HOST.fullmatch(parts.hostname or "") and parts.port != 0:
            return
    except ValueError:
        pass
    raise ValueError(f"`{key}` must be an http:// or https:// address")


def _check_base_url(key: str, url: str | None) -> None:
    """The same, without user or password: the address is shown in panes, reports and errors."""
    _check_address(key, url)
    if url is not None and "@" in urlsplit(url).netloc:
        raise ValueError(f"`{key}` must name no user and no password: they would be shown; `key_env` is for a key")


def is_loopback(url: str) -> bool:
    """Is this address this machine beyond doubt? Loopback addresses and `localhost` are; other names prove nothing."""
    try:
        return is_loopback_host(urlsplit(url).hostname or "")
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """The same of an address without its brackets, or of a name."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
