"""What the stages before any engine concluded of one request."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.cache.semantic.semantic_lookup import NearMiss
from backends.engines.base import Call
from backends.errors import ClawError, status_of
from backends.ledger.reservations import NOT_LIMITED, Headroom
from backends.pipeline.fitting import Fitting
from backends.privacy.redact import Redaction
from backends.routing.decide import NEW_SESSION, SessionView
from backends.types import (
    CACHE,
    LOCAL,
    ZERO,
    Alternative,
    Classes,
    Decision,
    EngineName,
    Estimate,
    Explanation,
    Request,
    Verdict,
)
from backends.upstream.engine_slot import ModelProfile
from backends.upstream.prefix_cache import Prefix
from backends.verification import Depth


class Candidate(Struct, frozen=True, kw_only=True):
    """One way to an answer: an engine with the call that it would be sent.

    `profile` is what its model can do. `worst_usd` is the most that the call can cost, `expected_usd` what it is likely
    to with `expected_output` tokens; where its price is not known, `unpriced` says so, and it is never sent. `room` is
    what the budgets leave for it, `limited` the note on what a budget took of its answer, "" where it took nothing.
    `reread_usd` is what the part of the prompt that its session has sent before costs more where it is not cached.
    `estimated_tokens` is the prompt's length before it was corrected by what the engine has counted, `prefix` what of
    it the engine has read lately, and `unread` how many of its tokens the engine's cache is not expected to hold.
    `fitting` is what was left out of the call so that it fits.
    """

    call: Call
    profile: ModelProfile
    worst_usd: Decimal
    expected_usd: Decimal
    reread_usd: Decimal = ZERO
    expected_output: int
    unpriced: str = ""
    limited: str = ""
    room: Headroom = NOT_LIMITED
    estimated_tokens: int
    prefix: Prefix | None = None
    unread: int = 0
    fitting: Fitting = Fitting()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken from the request so that this call can be made, a line each."""
        return tuple(filter(None, (self.fitting.note if self.fitting else "", self.limited)))


class RequestFacts(Struct, frozen=True, kw_only=True):
    """What the stages before it found out, and a plan is made from.

    `prefixes` are the hashes of the prompt's beginnings, `size` its bytes as off_loop.size_of counts them, 0 where not
    counted. `redaction` is the only form in which the cloud may see a sensitive request, None where it may see none or
    all. `session` is what was known of the request's session.
    """

    request: Request
    verdict: Verdict
    classes: Classes
    prefixes: tuple[int, ...] = ()
    size: int = 0
    redaction: Redaction | None = None
    session: SessionView = NEW_SESSION


class RoutePlan(Struct, frozen=True, kw_only=True):
    """`candidates` are the prepared calls, by engine."""

    facts: RequestFacts
    decision: Decision
    explanation: Explanation
    candidates: dict[EngineName, Candidate]

    @property
    def verdict(self) -> Verdict:
        return self.facts.verdict

    @property
    def classes(self) -> Classes:
        return self.facts.classes

    @property
    def prefixes(self) -> tuple[int, ...]:
        return self.facts.prefixes

    @property
    def redaction(self) -> Redaction | None:
        return self.facts.redaction

    def with_near_miss(self, near: NearMiss | None) -> "RoutePlan":
        """The same, whose alternatives show the nearest stored answer and what kept it from being served."""
        if near is None:
            return self
        likeness = f"nearest {near.similarity:.2f}".replace("0.", ".")
        way = Alternative(
            engine=CACHE,
            zone=LOCAL,
            model="",
            cost_usd=ZERO,
            latency_ms=None,
            ruled_out_by="risk" if near.guard == "risk" else "guard",
            detail=f"{likeness}, too unsure" if near.guard == "risk" else f"{likeness}, stopped by {near.guard}",
        )
        explanation = replace(self.explanation, alternatives=(*self.explanation.alternatives, way))
        return replace(self, explanation=explanation)


class CheckPlan(Struct, frozen=True, kw_only=True):
    """How a local answer is to be checked, also where a local engine takes over.

    `may_escalate`: another engine's answer may be given instead; `why_not` says in a phrase why none may. `withhold`
    keeps the answer back until it is checked, `until_text` only until it shows that its text is no tool call.
    """

    depth: Literal["none"] | Depth = "none"
    may_escalate: bool = False
    withhold: bool = False
    until_text: bool = False
    why_not: str = ""


def not_admitted(explanation: Explanation, error: ClawError) -> Explanation:
    """The explanation of a request that is refused whatever was decided for it: what was chosen is ruled out, too."""
    chosen = Alternative(
        engine=explanation.engine,
        zone=explanation.zone,
        model=explanation.model,
        cost_usd=explanation.estimate.cost_usd,
        latency_ms=explanation.estimate.latency_ms,
        ruled_out_by=error.kind,
        detail=str(error),
        quality=explanation.quality,
    )
    return replace(
        explanation,
        engine="",
        model="",
        estimate=Estimate(cost_usd=ZERO, latency_ms=None),
        alternatives=(chosen, *explanation.alternatives) if explanation.engine else explanation.alternatives,
        status=status_of(error),
        error=str(error),
    )
