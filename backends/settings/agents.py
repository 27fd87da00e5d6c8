"""The tables `[agents.NAME]` of claw.toml: policy, dial, limits and caching of each agent."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta
from msgspec.structs import replace

from backends.errors import Refused
from backends.settings.money import is_amount
from backends.settings.privacy import Privacy, PrivacyAction, PrivacyActions
from backends.settings.section import NotNegative, Positive, Seconds, Section, Share
from backends.types import EngineName, Policy, Verify

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
"""Those of them whose policy is local, if claw.toml sets no other."""


class Agent(Section, frozen=True, kw_only=True):
    policy: Annotated[
        Policy,
        Meta(description="local, prefer-local, auto, prefer-cloud or cloud; local and cloud never use the other zone"),
    ] = "auto"
    sensitive: Annotated[bool, Meta(description="true keeps everything that this agent sends in the local zone")] = (
        False
    )
    privacy: Annotated[PrivacyAction | None, Meta(description="this agent's own privacy.action")] = None
    secrets: Annotated[PrivacyAction | None, Meta(description="this agent's own privacy.secrets")] = None
    personal: Annotated[PrivacyAction | None, Meta(description="this agent's own privacy.personal")] = None
    deadline_s: Annotated[
        Seconds | None,
        Meta(description="this agent's own router.deadline_s"),
    ] = None
    dial: Annotated[Share | None, Meta(description="this agent's own router.dial")] = None
    engines: Annotated[
        tuple[EngineName, ...], Meta(description="names of the engines that may answer; empty means all")
    ] = ()
    model: Annotated[
        str, Meta(description="this agent's own model, on engines that serve it; other engines use theirs")
    ] = ""
    models: Annotated[tuple[str, ...], Meta(description="models that may answer; empty means all")] = ()
    max_cost_usd: Annotated[
        Decimal | None,
        Meta(
            description="cost cap of one request; the answer is shortened to fit, or the request may not use the cloud"
        ),
    ] = None
    max_latency_s: Annotated[
        Seconds | None, Meta(description="limit for the whole answer in seconds, whatever the request says")
    ] = None
    max_output: Annotated[Positive | None, Meta(description="limit for the output tokens of one request")] = None
    thinking_budget: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="limit for the thinking tokens of one call, instead of its engine's"),
    ] = None
    verify: Annotated[Verify | None, Meta(description="this agent's own router.verify")] = None
    group: Annotated[str | None, Meta(description="the group that budgets of the scope group:NAME add up")] = None
    requests_per_minute: Annotated[
        Positive | None, Meta(description="limit; further requests get 429 with Retry-After")
    ] = None
    tokens_per_minute: Annotated[
        Positive | None,
        Meta(description="limit for input and output tokens; beyond it, requests get 429 with Retry-After"),
    ] = None
    detect_loops: Annotated[bool | None, Meta(description="this agent's own sessions.detect_loops")] = None
    cache: Annotated[
        Literal["on", "off", "encrypted"],
        Meta(description="whether answers are stored; encrypted ones serve identical prompts only"),
    ] = "on"
    cache_with_tools: Annotated[
        bool,
        Meta(
            description="whether an answer is reused where tools are declared; it must have called none, and its ask "
            "point at nothing outside itself"
        ),
    ] = True
    cache_ttl_s: Annotated[
        NotNegative | None, Meta(description="how many seconds answers are kept, instead of the intents' own times")
    ] = None
    cache_scope: Annotated[str, Meta(description="who shares stored answers: agent, group:NAME or all")] = "agent"

    def privacy_actions(self, privacy: Privacy) -> PrivacyActions:
        """What happens to its sensitive prompts; `privacy` says it where this table does not."""
        general = privacy.actions
        return PrivacyActions(
            self.secrets or self.privacy or general.secrets, self.personal or self.privacy or general.personal
        )

    def __post_init__(self) -> None:
        if not is_amount(self.max_cost_usd):
            raise ValueError('`max_cost_usd` must be 0 or more, with at most 12 decimals, as "0.01"')
        scope, _, group = self.cache_scope.partition(":")
        if scope not in ("agent", "group", "all") or (scope == "group") != bool(group):
            raise ValueError("`cache_scope` must be agent, group:NAME or all")


T = TypeVar("T")

_KEPT: tuple[Literal["off", "encrypted", "on"], ...] = ("off", "encrypted", "on")


def strictest(agent: Agent, others: Iterable[Agent], *, privacy: Privacy) -> Agent:
    """`agent` under the rules of `others` too: whatever any of them forbids is forbidden. `privacy` has the actions of
    those that set none of their own.

    Raises Refused where they leave no engine or no model that may answer.
    """
    for other in others:
        if other == agent:
            continue
        stricter: dict[str, Any] = {
            name: min(limits)
            for name in ("max_cost_usd", "max_latency_s", "max_output", "thinking_budget", "cache_ttl_s")
            if (limits := [limit for limit in (getattr(agent, name), getattr(other, name)) if limit is not None])
        }
        secrets, personal = agent.privacy_actions(privacy).stricter(other.privacy_actions(privacy))
        stricter |= {"privacy": personal, "personal": None, "secrets": None if secrets == personal else secrets}
        if other.policy == "local":
            stricter["policy"] = "local"
        if agent.cache_scope != other.cache_scope:
            stricter["cache_scope"] = "agent"
        agent = replace(
            agent,
            sensitive=agent.sensitive or other.sensitive,
            engines=_common(agent.engines, other.engines, "engine"),
            models=_common(agent.models, other.models, "model"),
            cache_with_tools=agent.cache_with_tools and other.cache_with_tools,
            cache=min(agent.cache, other.cache, key=_KEPT.index),
            **stricter,
        )
    return agent


def _common(some: tuple[T, ...], others: tuple[T, ...], what: str) -> tuple[T, ...]:
    """What both allow, where naming none allows all."""
    if not some or not others:
        return some or others
    if common := tuple(each for each in some if each in others):
        return common
    raise Refused(f"the agents that this request names have no {what} in common: name one of them only")
