"""Settlement: a request's end is committed to the ledger before its caller hears it, and the cache gets the answer."""

from datetime import timedelta

from msgspec.structs import replace

from backends.cache.response_cache import ResponseCache
from backends.envelope.sessions import RunFacts
from backends.errors import LedgerError
from backends.ledger.install_key import InstallKey
from backends.ledger.store import Ledger
from backends.monitoring.alerts import LEDGER_FAILED
from backends.monitoring.monitoring import Monitoring
from backends.pipeline.active_request import ActiveRequest
from backends.pipeline.admission import AdmissionControl
from backends.pipeline.outcomes import Outcomes
from backends.settings.model import Settings
from backends.types import CLOUD, Outcome, Request
from backends.upstream.usage_meter import RequestUsage


class Settlement:
    def __init__(
        self,
        settings: Settings,
        *,
        ledger: Ledger,
        cache: ResponseCache,
        key: InstallKey,
        outcomes: Outcomes,
        admission: AdmissionControl,
        monitoring: Monitoring,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._cache = cache
        self._key = key
        self._outcomes = outcomes
        self._admission = admission
        self._monitoring = monitoring

    def hash_prompt(self, request: Request) -> str:
        """The hash for a request's row, keyed by the install. Reads the whole prompt."""
        return self._key.prompt_hash(*(message.text for message in request.messages))

    async def settle_run(self, active: ActiveRequest) -> Outcome:
        """Commit the row of a run, which is its leader's."""
        outcome = self._outcomes.of_run(active)
        answer = None if active.ending is None else active.ending.text
        self._cache.counts.count_prompt_cache(outcome, outcome.provider_discount_usd)
        self._cache.counts.count_prefix(outcome, active.usage.prefix)
        return await self.settle(
            outcome,
            active.request,
            prompt_hash=active.prompt_hash,
            usage=active.usage,
            answer=answer,
            turn=_turn(active, outcome),
        )

    async def settle(
        self,
        outcome: Outcome,
        request: Request,
        *,
        prompt_hash: str,
        usage: RequestUsage | None = None,
        answer: str | None = None,
        turn: RunFacts | None = None,
    ) -> Outcome:
        """Commit a row and tell watchers. Where it cannot be written, the settings say whether the answer counts.

        Prompt and answer of a sensitive request are never stored. `turn` is a run's, which its session began.
        """
        bodies, monitoring = self._settings.ledger.bodies and not outcome.sensitive, self._monitoring
        monitoring.models.record(outcome.attempts)
        self._admission.settle(outcome)
        try:
            await self._ledger.settle(
                outcome,
                charged_usd=usage.charged_usd if usage else None,
                prompt_hash=prompt_hash,
                price_source=self._outcomes.price_source(outcome),
                prompt=request.messages[-1].text if bodies else None,
                answer=answer if bodies else None,
            )
        except LedgerError as error:
            ended_at = outcome.started_at + timedelta(milliseconds=outcome.latency_ms)
            monitoring.alerts.show(LEDGER_FAILED, since=ended_at, error=error)
            if outcome.zone == CLOUD or self._settings.ledger.on_unwritable == "refuse":
                outcome = replace(
                    outcome,
                    finish="error",
                    error=str(error),
                    error_kind=error.kind,
                    baseline_usd=outcome.cost_usd,
                    cached_baseline_usd=None,
                )
        monitoring.sessions.settled(request, outcome, turn)
        monitoring.activity.settled(outcome)
        self._admission.retry_waiting()
        monitoring.stats.schedule()
        return outcome

    async def cache_answer(self, active: ActiveRequest, outcome: Outcome) -> None:
        """Offer a run's answer to the cache, if it is whole, failed no check, and its row is written."""
        ending = active.ending
        if ending is None or ending.finish != "stop" or ending.calls or outcome.error_kind == "ledger":
            return
        if ending.verified is False or active.flushes != self._cache.counts.flushes:
            return  # a request that ran while the operator flushed the cache does not fill it again
        await self._cache.store(
            active.request,
            self._outcomes.stored_answer(ending, outcome),
            model_class=active.model_class,
            notes=outcome.notes,
        )


def _turn(active: ActiveRequest, outcome: Outcome) -> RunFacts:
    """What a run knew beside its outcome: the window of the model that answered, whether local was thought too weak,
    and what prefix caches had of it.
    """
    plan = active.plan
    candidate, weighed = plan.candidates.get(outcome.engine), plan.decision.weighed
    return RunFacts(
        window=None if candidate is None else candidate.profile.can.context,
        hard=weighed is not None and weighed.p_local < weighed.asked,
        prefix=active.usage.prefix,
    )
