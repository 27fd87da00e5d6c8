"""The last stage: a request's end as one Outcome, committed to the ledger before its caller hears it."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from backends.cache.response_cache import ResponseCache
from backends.cache.stored_answer import CacheHit, StoredAnswer
from backends.clock import Clock
from backends.errors import LedgerError
from backends.ledger.install_key import InstallKey
from backends.ledger.prices import UnknownPrice
from backends.ledger.store import Ledger
from backends.monitoring.activity import ActivityFeed
from backends.monitoring.model_watch import ModelWatch
from backends.pipeline.flight import Cut, Ending, Flight
from backends.settings.model import Settings
from backends.types import (
    CACHE,
    LOCAL,
    ZERO,
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
from backends.upstream.costs import Costs
from backends.upstream.rate_limiter import RateLimiter
from backends.upstream.usage_meter import RequestUsage

SILENT = "the deadline passed before anything was heard: allow more time or use another engine"

CUT_LINES: dict[Cut, str] = {
    "deadline": "the deadline passed before the answer was whole: allow more time or use another engine",
    "closing": "the core was stopped before the answer was whole: ask again",
}

HASHES = 4096
"""Prompt hashes that are kept for the rows of requests on their way."""


class Recorder:
    def __init__(
        self,
        settings: Settings,
        *,
        ledger: Ledger,
        cache: ResponseCache,
        costs: Costs,
        activity: ActivityFeed,
        key: InstallKey,
        clock: Clock,
        settled: Callable[[], None],
        quota: RateLimiter,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._cache = cache
        self._costs = costs
        self._activity = activity
        self._key = key
        self._clock = clock
        self._settled = settled
        self._quota = quota
        self._models = ModelWatch(settings.engines["cloud"].model, costs=costs, activity=activity)
        self._hashes: dict[str, str] = {}

    def prompt_hash(self, request: Request) -> str:
        return self._hashes.get(request.id) or self._hashed(request)

    def remember(self, request: Request) -> None:
        """Hash a prompt ahead of its row, for in the row's moment nothing may be waited for."""
        self._hashes[request.id] = self._hashed(request)
        while len(self._hashes) > HASHES:
            del self._hashes[next(iter(self._hashes))]

    def _hashed(self, request: Request) -> str:
        return self._key.prompt_hash("\x1e".join(message.text for message in request.messages))

    async def settle(
        self, outcome: Outcome, request: Request, *, tally: RequestUsage | None = None, answer: str | None = None
    ) -> Outcome:
        """Commit the row and tell watchers. Where it cannot be written, settings say whether the answer still
        counts.
        """
        bodies = self._settings.ledger.bodies
        self._models.saw(outcome.attempts)
        self._quota.settle(outcome.id, outcome.agent, outcome.tokens)
        try:
            await self._ledger.settle(
                outcome,
                charged_usd=tally.charged_usd if tally else None,
                prompt_hash=self.prompt_hash(request),
                price_source=self._costs.source(outcome.attempts),
                prompt=request.messages[-1].text if bodies else None,
                answer=answer if bodies else None,
            )
            self._activity.clear("ledger")
        except LedgerError as error:
            self._activity.alert("ledger", str(error))
            if outcome.engine == "cloud" or self._settings.ledger.on_unwritable == "refuse":
                outcome = replace(outcome, finish="error", error=str(error), error_kind=error.kind)
        self._activity.settled(outcome)
        self._settled()
        return outcome

    async def landed(self, flight: Flight) -> Outcome:
        """Settle a flight's own row."""
        outcome = self._flown(flight, flight.tally, flight.leader_left or flight.cut)
        answer = None if flight.ending is None else flight.ending.text
        self._cache.counts.count_prompt_cache(outcome, self._costs.saved_by_prompt_cache(outcome))
        return await self.settle(outcome, flight.request, tally=flight.tally, answer=answer)

    async def keep(self, flight: Flight, outcome: Outcome) -> None:
        """Offer a landed flight's answer to the cache, if it is whole, failed no check, and its row is written."""
        ending = flight.ending
        if ending is None or ending.finish != "stop" or ending.calls or outcome.error_kind == "ledger":
            return
        if ending.verified is False or flight.flushes != self._cache.counts.flushes:
            return  # what an operator flushed does not come back by an answer that was on its way
        await self._cache.store(
            flight.request,
            StoredAnswer(
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
                request_id=flight.request.id,
            ),
            model_class=flight.kept or model_class(flight.request),
            notes=outcome.notes,
        )

    def late(self, flight: Flight) -> Outcome:
        """What the leader hears whose deadline passed while others still wait; the row follows when the call ends."""
        return self._flown(flight, RequestUsage(), "deadline")

    def shared(
        self, flight: Flight, request: Request, started: float, started_at: datetime, left: Cut | None
    ) -> Outcome:
        """The row of one who shared a flight: the same end, at no cost and with no attempt of its own."""
        whole = self._flown(flight, RequestUsage(), left or flight.cut)
        first_at = flight.first_at
        return replace(
            whole,
            id=request.id,
            answer_tokens=flight.tally.tokens,
            notes=_own(request.notes, flight.request.notes, whole.notes),
            ignored=_own(request.ignored, flight.request.ignored, flight.plan.explanation.ignored),
            started_at=started_at,
            source=request.source,
            tag=request.tag,
            cache="exact",
            reasons=(Reason(rule="cache", detail="shared a call in flight"),),
            baseline_usd=flight.outcome.baseline_usd if flight.outcome and left is None else ZERO,
            # What was said before it joined, it heard at once.
            ttft_ms=None if first_at is None else max(0.0, round((first_at - started) * 1e3, 1)),
            latency_ms=self._since(started),
        )

    def shared_explanation(self, flight: Flight, request: Request) -> Explanation:
        shared, leaders = Reason(rule="cache", detail="shares a call in flight"), flight.plan.explanation
        return replace(
            leaders,
            reasons=(shared, *leaders.reasons),
            ignored=_own(request.ignored, flight.request.ignored, leaders.ignored),
        )

    def cached(
        self, request: Request, verdict: Verdict, hit: CacheHit, started: float, started_at: datetime
    ) -> tuple[Outcome, Explanation]:
        """A hit's outcome and how it is explained; its baseline is what the answer would have cost all-cloud."""
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
            cache_entry=hit.entry,
            cache_age_s=round(hit.age_s, 1),
            notes=request.notes,
            ignored=request.ignored,
        )
        return outcome, explanation

    def _flown(self, flight: Flight, tally: RequestUsage, cut: Cut | None) -> Outcome:
        explanation, ending, first_at = flight.plan.explanation, flight.ending, flight.first_at
        finish, error, error_kind, retry_after_s, should_retry = _end(cut, ending, heard=first_at is not None)
        return Outcome(
            id=flight.request.id,
            agent=flight.request.agent,
            started_at=flight.started_at,
            source=flight.request.source,
            engine=ending.engine if ending else explanation.engine,
            zone=ending.zone if ending else explanation.zone,
            model=ending.model if ending else explanation.model,
            intent=explanation.intent,
            complexity=explanation.complexity,
            sensitive=explanation.sensitive,
            reasons=explanation.reasons,
            cache=self._cache_result(flight.request),
            tokens=tally.tokens,
            cost_usd=tally.cost_usd,
            # All-cloud there would be no second asking: what it costs is saved by nothing.
            baseline_usd=ZERO if flight.request.source == "shadow" else self._baseline(tally),
            ttft_ms=None if first_at is None else round((first_at - flight.started) * 1e3, 1),
            latency_ms=self._since(flight.started),
            finish=finish,
            attempts=tuple(tally.attempts),
            usage_estimated=tally.estimated,
            notes=tuple(dict.fromkeys((*flight.request.notes, *(ending.notes if ending else ()), *tally.flags))),
            own_cost_usd=tally.own_cost_usd,
            error=error,
            error_kind=error_kind,
            retry_after_s=retry_after_s,
            should_retry=should_retry,
            tag=flight.request.tag,
            ignored=explanation.ignored,
            **_said(flight.plan.classes),
        )

    def _cache_result(self, request: Request) -> CacheResult:
        return "miss" if request.cache and not request.refresh and not request.sensitive else "bypass"

    def _baseline(self, tally: RequestUsage) -> Decimal:
        """All-cloud, the tokens of the attempt that answered, else of the last one, would have been paid once; where
        they are unpriced, what was paid.
        """
        tried = [attempt for attempt in tally.attempts if attempt.role == "answer"]
        if not tried:
            return ZERO
        answered = next((attempt for attempt in reversed(tried) if attempt.error is None), tried[-1])
        try:
            return self._costs.baseline(answered.tokens)
        except UnknownPrice:
            return tally.cost_usd

    def _since(self, started: float) -> float:
        return round((self._clock.monotonic() - started) * 1e3, 3)


def _end(
    cut: Cut | None, ending: Ending | None, *, heard: bool
) -> tuple[Finish, str | None, str | None, float | None, bool | None]:
    """Finish, and where that is "error" its line, its kind, when to try again and whether to.

    `heard` says whether an engine had begun to answer.
    """
    if cut == "cancelled":
        return "cancelled", None, None, None, None
    if cut is not None:
        if cut == "deadline":
            return "error", CUT_LINES[cut] if heard else SILENT, cut, None, False
        return "error", CUT_LINES[cut], cut, None, None
    if ending is None:
        line = "the answer was lost by a fault of claw's own: see the log, and ask again"
        return "error", line, "internal", None, None
    error = ending.error
    if error is None:
        return ending.finish, None, None, None, None
    return "error", str(error), error.kind, error.retry_after_s, error.should_retry


def _said(classes: Classes) -> dict[str, Any]:
    """What the weights said of the prompt, for the row that feedback is held against."""
    p_local, p_cloud = classes.said or (classes.p_local, classes.p_cloud)
    return {"p_local": p_local, "p_cloud": p_cloud, "weights": classes.weights}


def _own(own: tuple[str, ...], leaders: tuple[str, ...], said: tuple[str, ...]) -> tuple[str, ...]:
    """What was said of a shared flight, with one's own words in place of its leader's."""
    return tuple(dict.fromkeys((*own, *(word for word in said if word not in leaders))))


def model_class(request: Request) -> str:
    """What the cache must not mix: answers asked of one engine or model with those asked of another."""
    return f"{request.engine}:{request.model or ''}"
