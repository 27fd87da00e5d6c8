"""How a request ended, as one Outcome: by its own run, by a shared one, or by a stored answer."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.cache.stored_answer import CacheHit, StoredAnswer
from backends.clock import Clock
from backends.errors import EngineError
from backends.ledger.prices import UnknownPrice
from backends.pipeline.active_request import ActiveRequest, Cut, Ending
from backends.settings.engines import CLOUD_ENGINE
from backends.types import (
    CACHE,
    LOCAL,
    ZERO,
    Attempt,
    CacheResult,
    Classes,
    Estimate,
    Explanation,
    Finish,
    Outcome,
    Reason,
    Request,
    Tokens,
    Verdict,
)
from backends.upstream.cloud_alone import CloudAlone
from backends.upstream.costs import Costs
from backends.upstream.usage_meter import RequestUsage

SILENT = "the deadline passed before anything was heard: allow more time or use another engine"

CUT_LINES: dict[Cut, str] = {
    "deadline": "the deadline passed before the answer was whole: allow more time or use another engine",
    "closing": "the core was stopped before the answer was whole: ask again",
}


class Outcomes:
    """Durations are milliseconds since `started`, which is in seconds of clock.monotonic."""

    def __init__(self, costs: Costs, clock: Clock, cloud_alone: CloudAlone) -> None:
        self._costs = costs
        self._clock = clock
        self._cloud_alone = cloud_alone

    def of_run(self, active: ActiveRequest) -> Outcome:
        """The leader's, once the engines have ended."""
        outcome = self._ended(active, active.usage, active.leader_cut or active.cut)
        outcome = replace(outcome, provider_discount_usd=self._costs.saved_by_prompt_cache(outcome))
        answered = _answered(active.usage)
        if answered is None or not outcome.baseline_usd:
            return outcome
        by_cloud = answered.engine == CLOUD_ENGINE
        return self.beside_cloud_alone(
            outcome, active.request, active.plan.prefixes, answered.tokens, by_cloud=by_cloud
        )

    def beside_cloud_alone(
        self, outcome: Outcome, request: Request, chain: Sequence[int], tokens: Tokens, *, by_cloud: bool = False
    ) -> Outcome:
        """With the baseline that counts the prefix cache which the cloud alone would have had.

        `chain` are the hashes of the prompt's beginnings, `tokens` what its answer took when it was made.
        """
        measured = tokens.cached_input if by_cloud else 0
        cached = self._cloud_alone.cached_input(
            request, chain, tokens=tokens.input, measured=measured, by_cloud=by_cloud
        )
        try:
            off = self._costs.baseline(tokens) - self._costs.baseline(tokens, cached_input=cached)
        except UnknownPrice:
            return outcome
        return replace(outcome, cached_baseline_usd=max(ZERO, outcome.baseline_usd - max(ZERO, off)))

    def of_late_leader(self, active: ActiveRequest) -> Outcome:
        """The leader's, whose deadline passed while others still wait; its row follows when the run ends."""
        return self._ended(active, RequestUsage(), "deadline")

    def of_follower(
        self, active: ActiveRequest, request: Request, started: float, started_at: datetime, cut: Cut | None
    ) -> Outcome:
        """That of one who shared a run: the same end, at no cost and with no attempt of its own. Where the run was
        answered, this counts as a hit of the exact tier.
        """
        whole = self._ended(active, RequestUsage(), cut or active.cut)
        first_at = active.first_at
        return replace(
            whole,
            id=request.id,
            answer_tokens=active.usage.tokens,
            notes=_with_own(request.notes, active.request.notes, whole.notes),
            ignored=_with_own(request.ignored, active.request.ignored, active.plan.explanation.ignored),
            started_at=started_at,
            source=request.source,
            tag=request.tag,
            session=request.session,
            run=request.run,
            **_envelope(request),
            cache="exact" if whole.answered else whole.cache,
            reasons=(Reason(rule="cache", detail="shared a call in flight"),),
            baseline_usd=active.outcome.baseline_usd if active.outcome and whole.answered else ZERO,
            cached_baseline_usd=active.outcome.cached_baseline_usd if active.outcome and whole.answered else ZERO,
            # It heard at once what had arrived before it joined.
            ttft_ms=None if first_at is None else max(0.0, round((first_at - started) * 1e3, 1)),
            latency_ms=self._since(started),
        )

    def shared_explanation(self, active: ActiveRequest, request: Request) -> Explanation:
        """The leader's decision as one hears it who shares its run."""
        reason, leaders = Reason(rule="cache", detail="shares a call in flight"), active.plan.explanation
        return replace(
            leaders,
            reasons=(reason, *leaders.reasons),
            ignored=_with_own(request.ignored, active.request.ignored, leaders.ignored),
        )

    def of_hit(
        self, request: Request, verdict: Verdict, hit: CacheHit, started: float, started_at: datetime
    ) -> tuple[Outcome, Explanation]:
        """A hit's, with its explanation. The baseline is what the answer would have cost all-cloud."""
        stored = hit.stored
        explanation = Explanation(
            agent=request.agent,
            engine=CACHE,
            zone=LOCAL,
            model=stored.model,
            intent=stored.intent,
            complexity=stored.complexity,
            sensitive=False,
            reasons=hit.reasons(),
            decision_us=round(self._since(started) * 1e3, 1),
            estimate=Estimate(cost_usd=ZERO, latency_ms=0.0),
            verdict=verdict,
            ignored=request.ignored,
        )
        outcome = Outcome(
            id=request.id,
            agent=request.agent,
            started_at=started_at,
            source=request.source,
            engine=CACHE,
            zone=LOCAL,
            model=stored.model,
            intent=stored.intent,
            complexity=stored.complexity,
            sensitive=False,
            reasons=explanation.reasons,
            cache=hit.tier,
            tokens=Tokens(),
            answer_tokens=stored.tokens,
            cost_usd=ZERO,
            baseline_usd=stored.baseline_usd,
            ttft_ms=self._since(started),
            latency_ms=self._since(started),
            finish="stop",
            tag=request.tag,
            session=request.session,
            run=request.run,
            **_envelope(request),
            cache_entry=hit.entry,
            cache_age_s=round(hit.age_s, 1),
            notes=request.notes,
            ignored=request.ignored,
        )
        return outcome, explanation

    def stored_answer(self, ending: Ending, outcome: Outcome) -> StoredAnswer:
        """What the cache keeps of a whole answer."""
        return StoredAnswer(
            text=ending.text,
            tool_calls=(),
            engine=ending.engine,
            model=ending.model,
            finish=ending.finish,
            tokens=outcome.tokens,
            intent=outcome.intent,
            complexity=outcome.complexity,
            baseline_usd=outcome.baseline_usd,
            cost_usd=outcome.cost_usd,
            stored_at=self._clock.now(),
            request_id=outcome.id,
        )

    def price_source(self, outcome: Outcome) -> str | None:
        """Where the price of its last cloud attempt comes from; None where there was none."""
        return self._costs.source(outcome.attempts)

    def _ended(self, active: ActiveRequest, usage: RequestUsage, cut: Cut | None) -> Outcome:
        explanation, ending, first_at = active.plan.explanation, active.ending, active.first_at
        end = _end(cut, ending, heard=first_at is not None)
        return Outcome(
            id=active.request.id,
            agent=active.request.agent,
            started_at=active.started_at,
            source=active.request.source,
            engine=ending.engine if ending else explanation.engine,
            zone=ending.zone if ending else explanation.zone,
            model=ending.model if ending else explanation.model,
            intent=explanation.intent,
            complexity=explanation.complexity,
            sensitive=explanation.sensitive,
            reasons=explanation.reasons,
            cache=_cache_result(active.request),
            tokens=usage.tokens,
            cost_usd=usage.cost_usd,
            # All-cloud there would be no shadow request, so its cost saves nothing.
            baseline_usd=ZERO if active.request.source == "shadow" else self._baseline(active, usage),
            ttft_ms=None if first_at is None else round((first_at - active.started) * 1e3, 1),
            latency_ms=self._since(active.started),
            finish=end.finish,
            attempts=tuple(usage.attempts),
            usage_estimated=usage.estimated,
            notes=tuple(dict.fromkeys((*active.request.notes, *(ending.notes if ending else ()), *usage.flags))),
            own_cost_usd=usage.own_cost_usd,
            error=end.error,
            error_kind=end.kind,
            short=end.short,
            retry_after_s=end.retry_after_s,
            should_retry=end.should_retry,
            tag=active.request.tag,
            session=active.request.session,
            run=active.request.run,
            **_envelope(active.request),
            ignored=explanation.ignored,
            **_estimates(active.plan.classes),
        )

    def _baseline(self, active: ActiveRequest, usage: RequestUsage) -> Decimal:
        """All-cloud, the tokens of the attempt that answered would have been paid once. Where they have no price, and
        where the run answered nobody, it is what was paid: an outage saves nothing.
        """
        answered, ending = _answered(usage), active.ending
        if answered is None or active.cut is not None or ending is None or ending.error is not None:
            return usage.cost_usd
        try:
            return self._costs.baseline(answered.tokens)
        except UnknownPrice:
            return usage.cost_usd

    def _since(self, started: float) -> float:
        return round((self._clock.monotonic() - started) * 1e3, 3)


class _End(Struct, frozen=True, kw_only=True):
    """The fields of an Outcome that say how it ended."""

    finish: Finish
    error: str | None = None
    kind: str | None = None
    short: str = ""
    retry_after_s: float | None = None
    should_retry: bool | None = None


def _end(cut: Cut | None, ending: Ending | None, *, heard: bool) -> _End:
    """`heard` says whether an engine had begun to answer."""
    if cut == "cancelled":
        return _End(finish="cancelled")
    if cut == "deadline":
        return _End(finish="error", error=CUT_LINES[cut] if heard else SILENT, kind=cut, should_retry=False)
    if cut is not None:
        return _End(finish="error", error=CUT_LINES[cut], kind=cut)
    if ending is None:
        line = "the answer was lost by a fault of claw's own: see the log, and ask again"
        return _End(finish="error", error=line, kind="internal")
    error = ending.error
    if error is None:
        return _End(finish=ending.finish)
    return _End(
        finish="error",
        error=str(error),
        kind=error.kind,
        short=error.short if isinstance(error, EngineError) else "",
        retry_after_s=error.retry_after_s,
        should_retry=error.should_retry,
    )


def _answered(usage: RequestUsage) -> Attempt | None:
    """The attempt that answered, else the last one; None where none was made."""
    tried = [attempt for attempt in usage.attempts if attempt.role == "answer"]
    last = tried[-1] if tried else None
    return next((attempt for attempt in reversed(tried) if attempt.error is None), last)


def _cache_result(request: Request) -> CacheResult:
    return "miss" if request.cache and not request.refresh and not request.sensitive else "bypass"


def _envelope(request: Request) -> dict[str, Any]:
    """What its envelope says for the row."""
    envelope = request.envelope
    return {} if envelope is None else {"client": envelope.client, "continues": envelope.continues}


def _estimates(classes: Classes) -> dict[str, Any]:
    """What the weights estimated of the prompt, before any correction; a calibration is fitted to it."""
    p_local, p_cloud = classes.said or (classes.p_local, classes.p_cloud)
    return {"p_local": p_local, "p_cloud": p_cloud, "weights": classes.weights}


def _with_own(own: tuple[str, ...], leaders: tuple[str, ...], shared: tuple[str, ...]) -> tuple[str, ...]:
    """The notes of a shared run, with the follower's own in place of the leader's."""
    return tuple(dict.fromkeys((*own, *(note for note in shared if note not in leaders))))
