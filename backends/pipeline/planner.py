"""The stages that read the prompt and choose an engine: classify, plan."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from math import prod

from msgspec import Struct, field
from msgspec.structs import replace

from backends.engines.base import Call, ExplicitCache
from backends.errors import ClawError, status_of
from backends.ledger.prices import UnknownPrice
from backends.ledger.reservations import NOT_LIMITED, Headroom
from backends.ledger.store import Ledger
from backends.pipeline.controls import Controls
from backends.pipeline.engine_call import build_call, capped, draft_call, ignored, within_budget
from backends.pipeline.fitting import Fitting, FittingMemory, fit
from backends.pipeline.plan import Candidate, RoutePlan
from backends.privacy.redact import Redaction
from backends.routing.calibration.calibration_store import CalibrationStore
from backends.routing.classify import Classifier
from backends.routing.decide import (
    NEW_SESSION,
    NO_BUDGET,
    BudgetRoom,
    EngineView,
    Inputs,
    SessionView,
    decide,
    refused,
)
from backends.routing.quality.ability import CLOUD_REFERENCE, LOCAL_REFERENCE, weaknesses
from backends.settings.agents import Agent
from backends.settings.engines import CLOUD_ENGINE
from backends.settings.model import Settings
from backends.types import CLOUD, LOCAL, ZERO, Classes, EngineName, Estimate, Explanation, Request, Tokens, Verdict
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot, ModelProfile
from backends.upstream.prefix_cache import Prefix, conversation
from backends.upstream.token_count import most_after


class ZoneDraft(Struct, frozen=True):
    """What the engines of one zone would be sent: the `whole` request, or its redacted form, with the call drafted from
    it.
    """

    request: Request
    draft: Call
    input_tokens: int
    prefixes: tuple[int, ...]
    whole: bool = True


class RequestFacts(Struct, frozen=True, kw_only=True):
    """What counts for every candidate of a request: its agent's rules, its classes, and its session. `known` is what
    budgets leave, as far as it has been looked up.
    """

    agent: Agent
    classes: Classes
    session: SessionView
    known: dict[tuple[int, ...], Headroom] = field(default_factory=dict)


class RoutePlanner:
    def __init__(
        self,
        settings: Settings,
        *,
        classifier: Classifier,
        slots: Mapping[EngineName, EngineSlot],
        controls: Controls,
        ledger: Ledger,
        costs: Costs,
        calibrations: CalibrationStore,
    ) -> None:
        self._settings = settings
        self._classifier = classifier
        self._slots = slots
        self._controls = controls
        self._ledger = ledger
        self._costs = costs
        self._calibrations = calibrations
        self._fittings = FittingMemory()

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next request on."""
        self._settings = settings

    async def settle(self, request: Request) -> None:
        """Have each engine learn what its window is for this request's model, where it does not know yet."""
        agent = self._settings.rules(request.agent, request.rules)
        models = ((slot, self._model(slot, request, agent)) for slot in self._slots.values())
        due = [slot.settle(model) for slot, model in models if not slot.profile(model).can.settled]
        if due:
            await asyncio.gather(*due)

    def classify(self, request: Request) -> Classes:
        """What the text says, corrected by the calibration in force."""
        return self._calibrations.current.correct(self._classifier.classify(request))

    def answerers(self, request: Request) -> str:
        """Which engines and models may answer, as a key: the cache never mixes the answers of two such classes."""
        agent = self._settings.rules(request.agent, request.rules)
        asked = (request.engine, request.model, self._pinned(request))
        allowed = (agent.policy, agent.engines, agent.models)
        may = [slot for slot in self._slots.values() if not agent.engines or slot.name in agent.engines]
        may = [slot for slot in may if agent.policy not in (LOCAL, CLOUD) or slot.zone == agent.policy]
        return repr((asked, allowed, [(slot.name, slot.model_for(agent.model)) for slot in may]))

    def decide(
        self,
        request: Request,
        verdict: Verdict,
        classes: Classes,
        began: float,
        *,
        prefixes: tuple[int, ...] = (),
        redaction: Redaction | None = None,
        session: SessionView = NEW_SESSION,
        no_cloud: str | None = None,
    ) -> RoutePlan:
        """Prepare the call to each candidate and choose, or raise as `decide.decide` does.

        `began` is on the performance counter. `no_cloud` says why the cloud may not be used for this one, whatever its
        state; `redaction` is what it may see, `prefixes` are the hashes of the prompt's beginnings, `session` is what
        is known of the conversation.
        """
        facts = self._facts(request, classes, session)
        inputs, candidates = self._weighed(
            request, verdict, facts, prefixes=prefixes, redaction=redaction, no_cloud=no_cloud
        )
        decision = decide(inputs)
        chosen = candidates[decision.engine]
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
            ignored=ignored(request, chosen.call, self._slots[decision.engine]),
            quality=decision.quality,
            session=request.session,
            envelope={} if request.envelope is None else request.envelope.parts,
        )
        return RoutePlan(
            verdict=verdict,
            classes=classes,
            decision=decision,
            explanation=explanation,
            candidates=candidates,
            prefixes=prefixes,
            redaction=redaction,
            session=session,
        )

    def explain(
        self,
        request: Request,
        verdict: Verdict,
        classes: Classes,
        began: float,
        *,
        prefixes: tuple[int, ...] = (),
        redaction: Redaction | None = None,
        session: SessionView = NEW_SESSION,
    ) -> Explanation:
        """The decision, or where `decide` would raise, that error's line and status with what rules each engine out."""
        try:
            plan = self.decide(
                request, verdict, classes, began, prefixes=prefixes, redaction=redaction, session=session
            )
        except ClawError as error:
            facts = self._facts(request, classes, session)
            inputs, _ = self._weighed(request, verdict, facts, prefixes=prefixes, redaction=redaction)
            reasons, alternatives = refused(inputs)
            return Explanation(
                agent=request.agent,
                engine="",
                zone=LOCAL,
                model="",
                intent=classes.intent,
                complexity=classes.complexity,
                sensitive=verdict.sensitive,
                reasons=reasons,
                decision_us=round((time.perf_counter() - began) * 1e6, 1),
                estimate=Estimate(cost_usd=ZERO, latency_ms=None),
                alternatives=alternatives,
                classes=classes,
                verdict=verdict,
                session=request.session,
                envelope={} if request.envelope is None else request.envelope.parts,
                status=status_of(error),
                error=str(error),
            )
        return plan.explanation

    # ---- candidates ---------------------------------------------------------------------------------------------

    def _model(self, slot: EngineSlot, request: Request, agent: Agent) -> str:
        """The model that the request names, where it is this engine's or an agent's own; else its agent's own, or the
        engine's.
        """
        named = request.model
        if named and request.engine == slot.name:
            return named
        if named and (named == slot.model or any(named == each.model for each in self._settings.agents.values())):
            return slot.model_for(named)
        return slot.model_for(agent.model)

    def _candidate(self, slot: EngineSlot, zone_draft: ZoneDraft, facts: RequestFacts) -> Candidate:
        """The prepared call, what it is expected to take, and where its price is not known, the line that says so."""
        request, agent, classes = zone_draft.request, facts.agent, facts.classes
        model = self._model(slot, request, agent)
        room = self._headroom(slot, request, model, facts.known)
        profile = slot.profile(model)
        counted = slot.ratios.corrected(request.agent, model, zone_draft.input_tokens)
        fitting = self._fitting(slot, zone_draft, profile, counted)
        draft, counted = fitting.apply(zone_draft.draft), fitting.tokens
        call = build_call(draft, request, classes, slot=slot, profile=profile, input_tokens=counted)
        prefix = slot.prefixes.find(model, zone_draft.prefixes)
        cached = min(slot.prefixes.expected_tokens(prefix, conversation(request)), counted)
        call = replace(call, first_byte_s=slot.first_byte_limit_s(counted - cached))
        if zone_draft.whole and slot.zone != LOCAL and (read := slot.prefixes.counted(model, zone_draft.prefixes)):
            call = replace(call, most_tokens=most_after(call, read))
        worst = expected = reread = ZERO
        unpriced = limited = ""
        try:
            call = replace(call, explicit_cache=self._explicit_cache(slot, zone_draft, call, prefix, (agent, room)))
            call, limited = self._affordable(slot, call, classes, agent, room)
            output = slot.throughput.expected_output(classes.intent, call.max_output)
            tokens = Tokens(input=counted, output=output, cached_input=cached)
            worst, expected = self._costs.quote(slot.name, call, tokens)
            sent_before = Prefix(min(facts.session.read_tokens, counted), replica=0, at=0.0)
            reread = self._costs.reread(slot.name, call, slot.prefixes.expected_tokens(sent_before))
        except UnknownPrice as error:
            output, unpriced = slot.throughput.expected_output(classes.intent, call.max_output), str(error)
        return Candidate(
            call=call,
            profile=profile,
            worst_usd=worst,
            expected_usd=expected,
            reread_usd=reread,
            expected_output=output,
            unpriced=unpriced,
            limited=limited,
            room=room,
            estimated_tokens=round(counted / slot.ratios.ratio(request.agent, model)),
            prefix=prefix,
            unread=counted - cached,
            fitting=fitting,
        )

    def _fitting(self, slot: EngineSlot, zone_draft: ZoneDraft, profile: ModelProfile, counted: int) -> Fitting:
        """What to leave out of a local engine's call so that it fits the window; nothing where that cannot be."""
        request, can = zone_draft.request, profile.can
        room = can.context - min(can.min_output, request.sampling.max_tokens or can.min_output)
        earlier = self._fittings.find(request.session, slot.name, profile.model)
        whole = Fitting(tokens=counted)
        if slot.zone != LOCAL or (counted <= room and earlier is None):
            return whole
        ratio = slot.ratios.ratio(request.agent, profile.model)
        return fit(zone_draft.draft, counted, room=room, ratio=ratio, ask=request.ask, earlier=earlier) or whole

    def remember(self, request: Request, plan: RoutePlan) -> None:
        """The request is sent as planned: what is left out of its call stays out of the session's next ones."""
        for engine, candidate in plan.candidates.items():
            self._fittings.keep(request.session, engine, candidate.profile.model, candidate.fitting)

    def _explicit_cache(
        self, slot: EngineSlot, zone_draft: ZoneDraft, call: Call, prefix: Prefix | None, limits: tuple[Agent, Headroom]
    ) -> ExplicitCache | None:
        """What of the prompt may be kept at the provider: nothing that is sensitive or was redacted, and nothing new
        where the budgets have no room for it. Raises UnknownPrice.
        """
        request = zone_draft.request
        if slot.read_rates is None or not zone_draft.whole or request.sensitive:
            return None
        name, (agent, room) = conversation(request), limits
        kept = slot.read_rates.plan(
            request.agent,
            name,
            known=prefix,
            held=Decimal(slot.prefixes.share(name)),
            prices=self._costs.cache_prices(slot.name, call.model),
        )
        bounds = [usd for usd in (agent.max_cost_usd, room.unspent_usd) if usd is not None]
        if kept.seconds and bounds and self._costs.worst(slot.name, replace(call, explicit_cache=kept)) > min(bounds):
            return replace(kept, seconds=0, make=False)
        return kept

    def _affordable(
        self, slot: EngineSlot, call: Call, classes: Classes, agent: Agent, room: Headroom
    ) -> tuple[Call, str]:
        """What the agent's cost cap and the budgets leave of a call that is billed, and the note on what a budget took.

        Raises UnknownPrice.
        """
        if slot.zone == LOCAL:
            return call, ""

        def worst(each: Call) -> Decimal:
            return self._costs.worst(slot.name, each)

        useful = slot.throughput.expected_output(classes.intent, call.max_output)
        if agent.max_cost_usd is not None:
            call = capped(call, agent.max_cost_usd, worst=worst, useful=useful)
        return within_budget(call, room, worst=worst, useful=useful)

    def _view(self, slot: EngineSlot, candidate: Candidate, classes: Classes, *, closed: str | None) -> EngineView:
        call, throughput, breaker = candidate.call, slot.throughput, slot.breaker
        profile, can = candidate.profile, candidate.profile.can
        local = slot.zone == LOCAL
        why_not = candidate.unpriced or closed or slot.why_not()
        score = profile.score or (LOCAL_REFERENCE if local else CLOUD_REFERENCE)
        weak = weaknesses(classes, profile.languages) if local else ()
        p = self._calibrations.current.quality(slot.name, classes, score)
        wait_s, (warm_s, kept_s) = slot.wait_s(), slot.prefixes.kept_s(candidate.prefix)
        return EngineView(
            name=slot.name,
            zone=slot.zone,
            model=call.model,
            quality=p * prod(weight for _, weight in weak) if weak else p,
            ability=score,
            weaknesses=weak,
            input_tokens=call.input_tokens,
            usable=why_not is None,
            why_not=why_not,
            opens_in_s=breaker.retry_after_s() or wait_s,
            closed="" if breaker.usable() else breaker.kind,
            local_proved=call.model in slot.proved,
            unproved=slot.unproved,
            waiting=slot.limiter.waiting,
            wait_s=wait_s,
            first_token_s=slot.first_token_s(candidate.unread),
            tokens_per_s=throughput.tokens_per_s,
            context=can.context,
            fitted=candidate.fitting.note if candidate.fitting else "",
            cleared=bool(candidate.fitting.cleared),
            least_output=can.min_output,
            vision=can.vision,
            media=can.media,
            images=can.images,
            forces_tools=can.forces_tools,
            languages=profile.languages,
            warm=candidate.prefix is not None,
            warm_s=warm_s,
            kept_s=kept_s,
            reread_usd=candidate.reread_usd,
            worst_usd=candidate.worst_usd,
            expected_usd=candidate.expected_usd,
            expected_output=candidate.expected_output,
            room=_room(candidate),
        )

    def _headroom(
        self, slot: EngineSlot, request: Request, model: str, known: dict[tuple[int, ...], Headroom]
    ) -> Headroom:
        """What the budgets leave for a call to this engine; a local one is not billed."""
        if slot.zone == LOCAL:
            return NOT_LIMITED
        return self._ledger.headroom(
            agent=request.agent,
            engine=slot.name,
            model=model,
            session=request.session,
            run=request.run,
            known=known,
        )

    # ---- the decision -------------------------------------------------------------------------------------------

    def _facts(self, request: Request, classes: Classes, session: SessionView) -> RequestFacts:
        return RequestFacts(agent=self._settings.rules(request.agent, request.rules), classes=classes, session=session)

    def _weighed(
        self,
        request: Request,
        verdict: Verdict,
        facts: RequestFacts,
        *,
        prefixes: tuple[int, ...],
        redaction: Redaction | None,
        no_cloud: str | None = None,
    ) -> tuple[Inputs, dict[EngineName, Candidate]]:
        """The call prepared for each engine, and all that a decision among them is made from."""
        classes = facts.classes
        whole = ZoneDraft(request, draft_call(request, classes), classes.input_tokens, prefixes)
        drafts = {LOCAL: whole, CLOUD: whole if redaction is None else _redacted(redaction, classes, prefixes)}
        views, candidates = [], {}
        for name, slot in self._slots.items():
            candidate = candidates[name] = self._candidate(slot, drafts[slot.zone], facts)
            closed = no_cloud if slot.zone == CLOUD else None
            views.append(self._view(slot, candidate, classes, closed=closed))
        return self._inputs(request, verdict, facts, tuple(views)), candidates

    def _inputs(self, request: Request, verdict: Verdict, facts: RequestFacts, views: tuple[EngineView, ...]) -> Inputs:
        """All that a decision is made from: the request, its agent's rules, the operator's, and the engines' state."""
        router, agent, classes = self._settings.router, facts.agent, facts.classes
        return Inputs(
            request=request,
            verdict=verdict,
            classes=classes,
            policy=agent.policy,
            pinned=self._pinned(request),
            cloud_stopped=self._controls.cloud_stopped,
            dial=router.dial if agent.dial is None else agent.dial,
            dial_by=router.dial_by,
            scale=self._calibrations.current.scale,
            deadline_s=request.deadline_s or router.deadline_s,
            timeout_s=request.timeout_s,
            engines=views,
            p_reference=next((view.quality for view in views if view.name == CLOUD_ENGINE), classes.p_cloud),
            allowed_engines=agent.engines,
            allowed_models=agent.models,
            ceiling_usd=agent.max_cost_usd,
            session=facts.session,
        )

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


def _room(candidate: Candidate) -> BudgetRoom:
    """What the budgets leave for it. When the tightest begins anew is told where the call would then fit."""
    room = candidate.room
    if room.left_usd is None:
        return NO_BUDGET
    return BudgetRoom(
        left_usd=room.left_usd,
        unspent_usd=room.unspent_usd,
        on_exceeded=room.on_exceeded,
        scope=room.scope,
        resets=_moment(room.resets_at) if (room.limit_usd or ZERO) >= candidate.worst_usd else "",
        resets_s=room.resets_s,
    )


def _redacted(redaction: Redaction, classes: Classes, prefixes: tuple[int, ...]) -> ZoneDraft:
    counted = replace(classes, input_tokens=redaction.input_tokens, most_tokens=redaction.most_tokens)
    call = draft_call(redaction.request, counted)
    return ZoneDraft(redaction.request, call, redaction.input_tokens, prefixes, whole=False)


def _moment(moment: datetime | None) -> str:
    """A moment for a sentence; "" where there is none."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
