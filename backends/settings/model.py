"""Settings as a whole: every table of claw.toml, and what only several tables together can tell.

Tables that need no file of their own stand here too. The descriptions of the fields are the comments of the file that
`claw config init` writes and the table in docs/settings.md.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, field

from backends.agent_names import spelled
from backends.settings.agents import LOCAL_AGENTS, Agent, strictest
from backends.settings.alert_limits import AlertLimits
from backends.settings.cache import Cache
from backends.settings.engines import BUILT_IN, NAME, Engine, built_in_engines, serves
from backends.settings.gateway import Gateway
from backends.settings.model_facts import ModelFacts
from backends.settings.money import Budget, Costs, Money, Price
from backends.settings.notify import Heartbeat, Notify
from backends.settings.privacy import Privacy
from backends.settings.section import Positive, Seconds, Section, Share, dotted, quoted
from backends.settings.session_limits import SessionLimits
from backends.types import CLOUD, LOCAL, DialBy, Verify, Zone

BUILT_IN_ZONES: dict[str, Zone] = {"local": LOCAL, "cloud": CLOUD}
"""Where the two built-in engines are, whatever their kind and address."""

RESERVED = frozenset({"auto", "cache", "default"})
"""Names that a request, a ledger row or an agent may have, and an engine may not."""


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


class LedgerSettings(Section, frozen=True, kw_only=True):
    bodies: Annotated[
        bool, Meta(description="whether prompts and answers are stored; those of sensitive requests never are")
    ] = False
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
        Annotated[float, Meta(ge=0.2, le=1e12)],
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
    sessions: SessionLimits = SessionLimits()
    alerts: AlertLimits = AlertLimits()
    notify: tuple[Notify, ...] = ()
    heartbeat: Heartbeat = Heartbeat()
    ledger: LedgerSettings = LedgerSettings()
    prices: dict[str, Price] = field(default_factory=dict)
    models: dict[str, ModelFacts] = field(default_factory=dict)
    money: Money = Money()
    costs: Costs = Costs()
    telemetry: Telemetry = Telemetry()
    gateway: Gateway = Gateway()
    console: Console = Console()

    def __post_init__(self) -> None:
        """Raises ValueError for tables that contradict each other, with the setting's full name in front."""
        for index, budget in enumerate(self.budgets):
            scope, _, name = budget.scope.partition(":")
            if scope == "engine" and name not in self.engines:
                raise ValueError(f"`budgets[{index}].scope` names {name}, and the engines are {self._engine_names()}")
        for index, target in enumerate(self.notify):
            if target.name in {other.name for other in self.notify[:index]}:
                raise ValueError(f"`notify[{index}].name` {target.name} is there twice")
        for name, facts in self.models.items():
            if facts.successor == name:
                raise ValueError(f"`{dotted('models', name)}.successor` must be another model")
        self._check_engine_names()
        self._check_model_names()
        for name, agent in self.agents.items():
            self._check_agent(dotted("agents", name), agent)

    def _check_engine_names(self) -> None:
        """Each engine is there once, in whatever case, and its name means nothing else."""
        agents = {agent.casefold() for agent in self.agents}
        for name, other in _same_name(self.engines):
            raise ValueError(
                f"`{dotted('engines', name)}` and `{dotted('engines', other)}` are one engine: keep one of them"
            )
        for name in self.engines:
            where = dotted("engines", name)
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"`{where}` is not a name for an engine: use up to 32 letters, digits, dashes and"
                    " underscores, with a letter or digit first"
                )
            if name not in BUILT_IN and name.casefold() in RESERVED:
                raise ValueError(f"`{where}`: the name {name} has a meaning already: use another name")
            if name not in BUILT_IN and name.casefold() in agents:
                raise ValueError(f"`{where}`: an agent has the name {name}: use another name")

    def _check_model_names(self) -> None:
        """Each agent is there once, and further names of models mean something and hide nothing."""
        for name, other in _same_name(self.agents):
            raise ValueError(f"`{dotted('agents', name)}` and `{dotted('agents', other)}` are one agent: keep one")
        taken = {name.casefold() for name in ("auto", *self.engines, *self.agents)}
        models = list(dict.fromkeys(engine.model for engine in self.engines.values()))
        meanings = {*taken, *models, *(agent.model for agent in self.agents.values() if agent.model)}
        for name, meaning in self.gateway.models.items():
            where = dotted("gateway", "models", name)
            if name.casefold() in taken:
                raise ValueError(f"`{where}`: the name {name} has a meaning already: leave it out")
            if meaning not in meanings and meaning.casefold() not in meanings:
                known = ", ".join(("auto", *self.engines, "an agent", *models[:-1]))
                raise ValueError(f"`{where}` must mean {known} or {models[-1]}")

    def _check_agent(self, where: str, agent: Agent) -> None:
        """An agent that nothing may answer is a mistake that would show at its first request."""
        for name in agent.engines:
            if name not in self.engines:
                raise ValueError(f"`{where}.engines` names {quoted(name)}, and the engines are {self._engine_names()}")
        if agent.policy not in (LOCAL, CLOUD) and not agent.models:
            return
        left = [name for name in agent.engines or self.engines if self._has_model_for(agent, name)]
        if not left:
            models = ", ".join(engine.model for engine in self.engines.values())
            raise ValueError(f"`{where}.models` allows no model of its engines: name one of {models}, or leave it out")
        if agent.policy in (LOCAL, CLOUD) and agent.policy not in map(self.zone, left):
            raise ValueError(
                f'`{where}.policy` is "{agent.policy}", but none of the engines that may answer it ({", ".join(left)})'
                " is in that zone: change its policy, its engines or their zone"
            )

    def _has_model_for(self, agent: Agent, name: str) -> bool:
        engine = self.engines[name]
        own = (agent.model,) if agent.model and serves(engine, agent.model) else ()
        return not agent.models or any(model in agent.models for model in (engine.model, *own))

    def _engine_names(self) -> str:
        return ", ".join(self.engines)

    def zone(self, engine: str) -> Zone | None:
        """The zone that an engine is in; None where settings and kind do not tell: nothing may be sent there."""
        return self.engines[engine].place or BUILT_IN_ZONES.get(engine)

    def engines_in(self, zone: Zone) -> tuple[str, ...]:
        """The names of the engines of a zone, in their order."""
        return tuple(name for name in self.engines if self.zone(name) == zone)

    def agent(self, name: str) -> Agent:
        """An agent's settings, its name in any case; one that is not configured has those of `default`, or `auto`."""
        return self.agents.get(name) or self.agents.get(spelled(name, self.agents) or "default") or Agent()

    def rules(self, agent: str, also: Iterable[str] = ()) -> Agent:
        """The rules of a request by `agent` that names the agents of `also` too: the strictest of all.

        Raises Refused where they leave nobody who may answer.
        """
        own = self.agent(agent)
        return strictest(own, map(self.agent, also), privacy=self.privacy) if also else own

    def guards(self, name: str) -> bool:
        """Must everything that this agent sends stay in the local zone?"""
        agent = self.agent(name)
        return agent.sensitive or agent.policy == "local"

    def refuses_unknown_agents(self) -> bool:
        """Are requests refused whose agent is not configured?"""
        said = self.gateway.unknown_agents
        if said is not None:
            return said == "refuse"
        return any(
            agent.sensitive or (agent.policy == "local" and name.casefold() not in LOCAL_AGENTS)
            for name, agent in self.agents.items()
        )


def _same_name(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each name that differs from one before it in nothing but case, with that one."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(name.casefold(), name)) != name:
            yield name, other
