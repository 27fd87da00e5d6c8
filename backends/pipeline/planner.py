"""The stages that read the text and choose: privacy, classify, decide, with the state of things they are given."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from backends.ledger.prices import UnknownPrice
from backends.ledger.store import Ledger
from backends.pipeline.controls import Controls
from backends.pipeline.cost_cap import Cut, cut
from backends.pipeline.egress import outgoing
from backends.pipeline.engine_call import build_call, ignored
from backends.pipeline.plan import RoutePlan
from backends.privacy import PrivacyGate
from backends.privacy.redact import Redaction
from backends.routing.calibration.learned import Calibrations
from backends.routing.classify import Classifier
from backends.routing.decide import EngineView, Inputs, decide
from backends.settings.model import Settings
from backends.types import ZERO, Classes, EngineName, Explanation, Request, Tokens, Verdict
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot


class RoutePlanner:
    def __init__(
        self,
        settings: Settings,
        *,
        privacy: PrivacyGate,
        classifier: Classifier,
        slots: Mapping[EngineName, EngineSlot],
        controls: Controls,
        ledger: Ledger,
        costs: Costs,
        calibrations: Calibrations,
    ) -> None:
        self._settings = settings
        self._privacy = privacy
        self._classifier = classifier
        self._slots = slots
        self._controls = controls
        self._ledger = ledger
        self._costs = costs
        self._calibrations = calibrations

    def take(self, settings: Settings) -> None:
        """Go by other settings from the next request on."""
        if settings.privacy != self._settings.privacy:
            self._privacy = PrivacyGate(settings.privacy)
        self._settings = settings

    def inspect(self, request: Request) -> tuple[Verdict, Redaction | None]:
        """Privacy's word, and the form in which a sensitive request may go to the cloud: None where it may not."""
        agent = self._settings.rules(request.agent, request.rules)
        verdict = self._privacy.inspect(request, agent_sensitive=agent.sensitive)
        if (agent.privacy or self._settings.privacy.action) == "local" or request.sensitive or agent.sensitive:
            return verdict, None
        redaction = self._privacy.redact(request, verdict)
        return replace(verdict, redacted=redaction is not None), redaction

    def classify(self, request: Request) -> Classes:
        """What the text says, corrected by what feedback has taught."""
        return self._calibrations.learned.correct(self._classifier.classify(request))

    def answerers(self, request: Request) -> str:
        """Who may answer this request: the cache never mixes answers of one class with those of another."""
        agent = self._settings.rules(request.agent, request.rules)
        asked = (request.engine, request.model, self._pinned(request))
        allowed = (agent.policy, agent.engines, agent.models)
        return repr((asked, allowed, self._slots["local"].model, self._slots["cloud"].model))

    def decide(
        self,
        request: Request,
        verdict: Verdict,
        classes: Classes,
        began: float,
        *,
        redaction: Redaction | None = None,
        no_cloud: str | None = None,
    ) -> RoutePlan:
        """Choose, or raise as `decide.decide` does. `began` is on the performance counter.

        `no_cloud` says why the cloud may not be used for this one, whatever its state; `redaction` is what it may see.
        """
        sent, sent_classes = outgoing(self._slots["cloud"], request, classes, redaction)
        limit = self._cut(sent, sent_classes, self._settings.rules(request.agent, request.rules).max_cost_usd)
        cloud = self._view("cloud", sent, sent_classes, limit)
        if no_cloud is not None:
            cloud = replace(cloud, usable=False, why_not=no_cloud)
        decision = decide(self._inputs(request, verdict, classes, cloud))
        explanation = Explanation(
            agent=request.agent,
            engine=decision.engine,
            zone=decision.zone,
            model=decision.model,
            intent=classes.intent,
            complexity=classes.complexity,
            sensitive=verdict.sensitive,
            reasons=decision.reasons,
            decision_us=round((time.perf_counter() - began) * 1e6, 1),
            estimate=decision.estimate,
            alternatives=decision.alternatives,
            classes=classes,
            verdict=verdict,
            flips=decision.flips,
            weighed=decision.weighed,
            ignored=self._ignored(decision.engine, request, classes, limit),
        )
        return RoutePlan(
            verdict=verdict,
            classes=classes,
            decision=decision,
            explanation=explanation,
            limit=limit,
            redaction=redaction,
        )

    def reservation(self, request: Request, plan: RoutePlan) -> Decimal:
        """US dollars to reserve for the decided engine's call."""
        name = plan.decision.engine
        slot = self._slots[name]
        request, classes = outgoing(slot, request, plan.classes, plan.redaction)
        return self._costs.worst(slot.zone, build_call(request, classes, slot, plan.limit))

    def _ignored(self, name: EngineName, request: Request, classes: Classes, limit: Cut | None) -> tuple[str, ...]:
        slot = self._slots[name]
        return ignored(request, build_call(request, classes, slot, limit), slot)

    def _inputs(self, request: Request, verdict: Verdict, classes: Classes, cloud: EngineView) -> Inputs:
        """All that a decision is made of: the request, its agent's rules, the operator's, and the state of things."""
        agent, router = self._settings.rules(request.agent, request.rules), self._settings.router
        room = self._ledger.headroom(agent=request.agent, engine="cloud", model=cloud.model)
        return Inputs(
            request=request,
            verdict=verdict,
            classes=classes,
            policy=agent.policy,
            pinned=self._pinned(request),
            cloud_stopped=self._controls.cloud_stopped,
            dial=router.dial if agent.dial is None else agent.dial,
            dial_by=router.dial_by,
            scale=self._calibrations.learned.scale,
            deadline_s=request.deadline_s or router.deadline_s,
            timeout_s=request.timeout_s,
            local=self._view("local", *outgoing(self._slots["local"], request, classes, None)),
            cloud=cloud,
            allowed_engines=agent.engines,
            allowed_models=agent.models,
            ceiling_usd=agent.max_cost_usd,
            room_left_usd=room.left_usd,
            room_on_exceeded=room.on_exceeded,
            room_scope=room.scope,
            room_unspent_usd=room.unspent_usd,
            room_resets=_moment(room.resets_at) if (room.limit_usd or ZERO) >= cloud.worst_usd else "",
        )

    def _pinned(self, request: Request) -> EngineName | None:
        """The engine its agent is pinned to; where any agent that it names is pinned to local, that one.

        A pin to the cloud is its own agent's: it takes none there whose policy keeps it local.
        """
        pin, *others = pins = [self._controls.pins.get(name) for name in (request.agent, *request.rules)]
        if "local" in pins:
            return "local"
        kept = (
            other != "cloud" and self._settings.agent(name).policy == "local"
            for name, other in zip(request.rules, others, strict=True)
        )
        return None if pin == "cloud" and any(kept) else pin

    def _cut(self, request: Request, classes: Classes, ceiling: Decimal | None) -> Cut | None:
        """What the agent's ceiling leaves of a call to the cloud; None without one, or where it fits."""
        if ceiling is None:
            return None
        slot = self._slots["cloud"]
        call = build_call(request, classes, slot)
        useful = slot.rates.expected_output(classes.intent, call.max_output)
        try:
            return cut(call, ceiling, worst=lambda each: self._costs.worst(slot.zone, each), useful=useful)
        except UnknownPrice:
            return None  # said where the engine is looked at

    def _view(self, name: EngineName, request: Request, classes: Classes, limit: Cut | None = None) -> EngineView:
        slot = self._slots[name]
        call = build_call(request, classes, slot, limit)
        output = slot.rates.expected_output(classes.intent, call.max_output)
        why_not = slot.why_not()
        try:
            worst = self._costs.worst(slot.zone, call)
            expected = self._costs.foreseen(slot.zone, call.model, Tokens(input=classes.input_tokens, output=output))
        except UnknownPrice as error:
            worst = expected = ZERO
            why_not = str(error)
        return EngineView(
            name=name,
            model=call.model,
            input_tokens=classes.input_tokens,
            usable=why_not is None,
            why_not=why_not,
            opens_in_s=slot.breaker.retry_after_s() or slot.wait_s(),
            closed="" if slot.breaker.usable() else slot.breaker.kind,
            local_proved=slot.local_proved,
            unproved=slot.unproved,
            waiting=slot.limiter.waiting,
            wait_s=slot.wait_s(),
            first_token_s=slot.rates.first_token(classes.input_tokens),
            tokens_per_s=slot.rates.tokens_per_s,
            context=slot.context,
            least_output=slot.least_output,
            vision=slot.vision,
            media=slot.media,
            images=slot.images,
            tools=True,
            forces_tools=slot.forces_tools,
            languages=slot.languages,
            worst_usd=worst,
            expected_usd=expected,
            expected_output=output,
        )


def _moment(moment: datetime | None) -> str:
    """A moment for a sentence; "" where there is none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
