"""The stages that read the prompt and choose an engine: classify, plan."""

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from backends.errors import ClawError, status_of
from backends.lazy import Lazy
from backends.pipeline.candidate_builder import CandidateBuilder
from backends.pipeline.controls import Controls
from backends.pipeline.engine_call import ignored
from backends.pipeline.engine_view import engine_view
from backends.pipeline.plan import Candidate, RequestFacts, RoutePlan
from backends.routing.calibration.calibration_store import CalibrationStore
from backends.routing.decide import Inputs, decide, refused
from backends.settings.engines import CLOUD_ENGINE
from backends.settings.model import Settings
from backends.types import CLOUD, LOCAL, ZERO, Classes, Decision, EngineName, Estimate, Explanation, Request
from backends.upstream.engine_slot import EngineSlot

if TYPE_CHECKING:
    from backends.routing.classify.classifier import Classifier


class RoutePlanner:
    def __init__(
        self,
        settings: Settings,
        *,
        classifier: "Lazy[Classifier]",
        slots: Mapping[EngineName, EngineSlot],
        controls: Controls,
        candidates: CandidateBuilder,
        calibrations: CalibrationStore,
    ) -> None:
        self._settings = settings
        self._classifier = classifier
        self._slots = slots
        self._controls = controls
        self._candidates = candidates
        self._calibrations = calibrations

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next request on."""
        self._settings = settings
        self._candidates.reconfigure(settings)

    async def learn_windows(self, request: Request) -> None:
        """Have each engine learn what its window is for this request's model, where it does not know yet."""
        agent = self._settings.rules(request.agent, request.rules)
        models = ((slot, self._candidates.model(slot, request, agent)) for slot in self._slots.values())
        due = [slot.learn_window(model) for slot, model in models if not slot.profile(model).can.window_known]
        if due:
            await asyncio.gather(*due)

    async def classifier(self) -> "Classifier":
        """The classifier, loaded in a thread where no request has needed it yet."""
        return self._classifier.built or await self._classifier.get()

    def classify(self, request: Request, classifier: "Classifier") -> Classes:
        """What the text says, corrected by the calibration in force."""
        return self._calibrations.current.correct(classifier.classify(request))

    def answerers(self, request: Request) -> str:
        """Which engines and models may answer, as a key: the cache never mixes the answers of two such classes."""
        agent = self._settings.rules(request.agent, request.rules)
        asked = (request.engine, request.model, self._pinned(request))
        allowed = (agent.policy, agent.engines, agent.models)
        may = [slot for slot in self._slots.values() if not agent.engines or slot.name in agent.engines]
        may = [slot for slot in may if agent.policy not in (LOCAL, CLOUD) or slot.zone == agent.policy]
        return repr((asked, allowed, [(slot.name, slot.model_for(agent.model)) for slot in may]))

    def room(self, agent: str, among: int) -> int | None:
        """How many more requests of `agent` the engines that it may use would take, where `among` agents share their
        queues. None where no engine can be called, which a request's own decision tells better.
        """
        rules = self._settings.agent(agent)
        rooms = [
            slot.limiter.room(agent, among)
            for slot in self._slots.values()
            if (not rules.engines or slot.name in rules.engines)
            and (rules.policy not in (LOCAL, CLOUD) or slot.zone == rules.policy)
            and slot.usable
        ]
        return sum(rooms) if rooms else None

    def decide(self, facts: RequestFacts, began: float, *, no_cloud: str | None = None) -> RoutePlan:
        """Prepare the call to each candidate and choose, or raise as `decide.decide` does.

        `began` is on the performance counter. `no_cloud` says why the cloud may not be used for this one, whatever its
        state.
        """
        inputs, candidates = self._weighed(facts, no_cloud=no_cloud)
        return self._plan(facts, decide(inputs), candidates, began)

    def explain(self, facts: RequestFacts, began: float) -> Explanation:
        """The decision, or where `decide` would raise, that error's line and status with what rules each engine out."""
        inputs, candidates = self._weighed(facts)
        try:
            decision = decide(inputs)
        except ClawError as error:
            reasons, alternatives = refused(inputs)
            return replace(
                _undecided(facts, began),
                reasons=reasons,
                alternatives=alternatives,
                status=status_of(error),
                error=str(error),
            )
        return self._plan(facts, decision, candidates, began).explanation

    def remember(self, plan: RoutePlan) -> None:
        """The request is sent as planned."""
        self._candidates.remember(plan)

    # ---- the decision -------------------------------------------------------------------------------------------

    def _weighed(
        self, facts: RequestFacts, *, no_cloud: str | None = None
    ) -> tuple[Inputs, dict[EngineName, Candidate]]:
        """All that a decision is made from: the request, its agent's rules, the operator's, and the engines' state."""
        request, classes, router = facts.request, facts.classes, self._settings.router
        agent = self._settings.rules(request.agent, request.rules)
        calibration, candidates = self._calibrations.current, self._candidates.build(facts)
        views = tuple(
            engine_view(
                slot,
                candidates[name],
                classes,
                calibration=calibration,
                closed=no_cloud if slot.zone == CLOUD else None,
                watched=request.watched,
            )
            for name, slot in self._slots.items()
        )
        inputs = Inputs(
            request=request,
            verdict=facts.verdict,
            classes=classes,
            policy=agent.policy,
            pinned=self._pinned(request),
            cloud_stopped=self._controls.cloud_stopped,
            dial=router.dial if agent.dial is None else agent.dial,
            dial_by=router.dial_by,
            scale=calibration.scale,
            deadline_s=request.deadline_s or router.deadline_s,
            timeout_s=request.timeout_s,
            engines=views,
            p_reference=next((view.quality for view in views if view.name == CLOUD_ENGINE), classes.p_cloud),
            allowed_engines=agent.engines,
            allowed_models=agent.models,
            ceiling_usd=agent.max_cost_usd,
            session=facts.session,
        )
        return inputs, candidates

    def _plan(
        self, facts: RequestFacts, decision: Decision, candidates: dict[EngineName, Candidate], began: float
    ) -> RoutePlan:
        call, slot = candidates[decision.engine].call, self._slots[decision.engine]
        explanation = replace(
            _undecided(facts, began),
            engine=decision.engine,
            zone=decision.zone,
            model=decision.model,
            reasons=decision.reasons,
            estimate=decision.estimate,
            alternatives=decision.alternatives,
            flips=decision.flips,
            weighed=decision.weighed,
            ignored=ignored(facts.request, call, slot),
            quality=decision.quality,
        )
        return RoutePlan(facts=facts, decision=decision, explanation=explanation, candidates=candidates)

    def _pinned(self, request: Request) -> EngineName | None:
        """The engine that its agent is pinned to. Where any agent that it names is pinned to a local one, that one.

        A pin to the cloud does not move a request that names another agent whose policy is local.
        """
        pin, *others = pins = [self._pin(name) for name in (request.agent, *request.rules)]
        if local := next((each for each in pins if each and self._slots[each].zone == LOCAL), None):
            return local
        cloud = pin is not None and self._slots[pin].zone == CLOUD
        kept = (
            not (other and self._slots[other].zone == CLOUD) and self._settings.agent(name).policy == LOCAL
            for name, other in zip(request.rules, others, strict=True)
        )
        return None if cloud and any(kept) else pin

    def _pin(self, agent: str) -> EngineName | None:
        """The engine that an agent is pinned to; a pin to one that the settings no longer name does not hold."""
        pin = self._controls.pins.get(agent)
        return pin if pin in self._slots else None


def _undecided(facts: RequestFacts, began: float) -> Explanation:
    """What is said of a request whatever is decided."""
    request, classes, verdict = facts.request, facts.classes, facts.verdict
    return Explanation(
        agent=request.agent,
        engine="",
        zone=LOCAL,
        model="",
        intent=classes.intent,
        complexity=classes.complexity,
        sensitive=verdict.sensitive,
        reasons=(),
        decision_us=round((time.perf_counter() - began) * 1e6, 1),
        estimate=Estimate(cost_usd=ZERO, latency_ms=None),
        classes=classes,
        verdict=verdict,
        session=request.session,
        envelope={} if request.envelope is None else request.envelope.parts,
    )
