"""What a decision is made from."""

from decimal import Decimal
from functools import lru_cache
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.routing.quality import Dial
from backends.types import ZERO, Classes, DialBy, EngineName, Need, Policy, Request, Verdict

WEIGHS: dict[Need, float] = {"fresh": 0.75}
"""What P(local answers well) is multiplied by where a prompt needs what a local model has less of: it has learned of
the world earlier than the cloud's. An estimate, not a measurement; feedback corrects what it gets wrong.
"""

STRANGE = 0.75
"""The same for a language that the local model is not known to speak."""


class EngineView(Struct, frozen=True, kw_only=True):
    """One engine at this moment. Durations are seconds, `context` and `expected_output` tokens, None is unknown.

    `why_not` says in a phrase why it is not `usable` ("breaker open", "model not pulled"). `local_proved`: the prompt
    would stay on this machine or a listed host. `forces_tools`: it can be held to a tool_choice that asks for a call.
    `worst_usd` is what a budget must reserve for this request, or, where the agent's ceiling is lower than any useful
    call, what the least of those costs. `languages` are those that its model is known to speak, `images` the media
    types of images that it takes; empty is not known. `media` are the kinds of files beside images that it reads.
    `least_output` is the output that a prompt must leave room for in the window. `opens_in_s` is how long an engine
    that is not usable stays so, as far as that is known, and `closed` the kind of error that closed it. `unproved` says
    why nothing is known of where it runs, "" where that is known.
    """

    name: EngineName
    model: str
    input_tokens: int = 0
    usable: bool = True
    why_not: str | None = None
    opens_in_s: float | None = None
    closed: str = ""
    local_proved: bool = False
    unproved: str = ""
    waiting: int = 0
    wait_s: float | None = None
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    context: int = 16384
    least_output: int = 1
    vision: bool = False
    media: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    tools: bool = True
    forces_tools: bool = True
    schema: bool = True
    languages: frozenset[str] = frozenset()
    worst_usd: Decimal = ZERO
    expected_usd: Decimal = ZERO
    expected_output: int = 256

    @property
    def latency_s(self) -> float | None:
        """Estimated seconds to the answer's end: wait, first token, then the expected output at its rate."""
        if self.wait_s is None or self.first_token_s is None or not self.tokens_per_s:
            return None
        return self.at_least_s

    @property
    def at_least_s(self) -> float:
        """The part of `latency_s` that is known: the answer will not end before it."""
        writing = self.expected_output / self.tokens_per_s if self.tokens_per_s else 0.0
        return (self.wait_s or 0.0) + (self.first_token_s or 0.0) + writing


class Inputs(Struct, frozen=True, kw_only=True):
    """All that `decide` looks at. `room_left_usd` is the tightest budget's, None without one; `room_scope` names it,
    `room_unspent_usd` is what it would leave with no call in flight, and `room_resets` when it begins anew, "" where
    that would not help.

    `deadline_s` is to the first byte; `timeout_s` to the end, where the caller limits that.

    `allowed_engines` and `allowed_models` are the agent's; empty allows all. `ceiling_usd` is its most for one request.
    """

    request: Request
    verdict: Verdict
    classes: Classes
    policy: Policy
    pinned: EngineName | None = None
    cloud_stopped: bool = False
    dial: float
    dial_by: DialBy = "quality"
    scale: Dial
    deadline_s: float
    timeout_s: float | None = None
    local: EngineView
    cloud: EngineView
    allowed_engines: tuple[EngineName, ...] = ()
    allowed_models: tuple[str, ...] = ()
    ceiling_usd: Decimal | None = None
    room_left_usd: Decimal | None = None
    room_on_exceeded: Literal["local", "refuse", "alert"] | None = None
    room_scope: str | None = None
    room_unspent_usd: Decimal | None = None
    room_resets: str = ""

    @property
    def engines(self) -> tuple[EngineView, EngineView]:
        return self.local, self.cloud

    def view(self, name: EngineName) -> EngineView:
        return self.local if name == "local" else self.cloud

    def tokens(self, view: EngineView) -> int:
        """The prompt's tokens as this engine counts them."""
        return view.input_tokens or self.classes.input_tokens

    @property
    def asked(self) -> EngineName | None:
        """The engine that the request itself names, by name or by model."""
        if self.request.engine != "auto":
            return self.request.engine
        return next((view.name for view in self.engines if view.model == self.request.model), None)

    @property
    def rule(self) -> Policy:
        """The policy in force: an operator's pin replaces the agent's own."""
        return self.pinned or self.policy  # type: ignore[return-value]

    @property
    def demanded(self) -> EngineName | None:
        """The only engine that may answer, where request, pin or an absolute policy says so."""
        if self.asked is not None:
            return self.asked
        return self.rule if self.rule in ("local", "cloud") else None

    @property
    def stays(self) -> bool:
        """Must the prompt stay on this machine? A sensitive one may leave it with placeholders alone, where allowed."""
        return self.verdict.sensitive and not self.verdict.redacted

    @property
    def over_budget(self) -> bool:
        return self.room_left_usd is not None and self.cloud.worst_usd > self.room_left_usd

    @property
    def held_up(self) -> bool:
        """Over budget only by what calls in flight have reserved: some of it comes back when they end."""
        return self.over_budget and self.room_unspent_usd is not None and self.cloud.worst_usd <= self.room_unspent_usd

    @property
    def over_ceiling(self) -> bool:
        return self.ceiling_usd is not None and self.cloud.worst_usd > self.ceiling_usd

    @property
    def weaknesses(self) -> dict[str, float]:
        """What speaks against local's answer beside the prompt's difficulty, and by how much."""
        found: dict[str, float] = {need: weight for need, weight in WEIGHS.items() if need in self.classes.needs}
        language, spoken = self.classes.language, self.local.languages
        strange = {f"language {language}": STRANGE} if language and spoken and language not in spoken else {}
        return {**found, **strange}

    @property
    def p_local(self) -> float:
        """P(local answers well), its weaknesses weighed in."""
        p = self.classes.p_local
        for weight in self.weaknesses.values():
            p *= weight
        return p

    @property
    def asked_p(self) -> float:
        """The least P(local answers well) that the dial asks for here."""
        return self.classes.p_cloud - _threshold(self.scale, self.dial, self.dial_by)

    @property
    def answers_well(self) -> bool:
        """Is local expected to answer as well as the dial asks?"""
        return self.p_local >= self.asked_p

    def at(self, dial: float) -> "Inputs":
        """The same with another dial."""
        return replace(self, dial=dial)


@lru_cache(maxsize=1024)
def _threshold(scale: Dial, dial: float, by: DialBy) -> float:
    """Agents have few dials, and what would flip a decision asks for each hundredth."""
    return scale.threshold(dial, by)


def other(name: EngineName) -> EngineName:
    return "cloud" if name == "local" else "local"
