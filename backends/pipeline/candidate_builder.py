"""The candidates of a request: each engine with its prepared call, and what the call is expected to take."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from backends.engines.base import Call, ExplicitCache
from backends.ledger.prices import UnknownPrice
from backends.ledger.reservations import NOT_LIMITED, Headroom
from backends.ledger.store import Ledger
from backends.pipeline.engine_call import build_call, capped, draft_call, within_budget
from backends.pipeline.fitting import Fitting, FittingMemory, fit
from backends.pipeline.plan import Candidate, RequestFacts, RoutePlan
from backends.privacy.redact import Redaction
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.types import CLOUD, LOCAL, ZERO, Classes, EngineName, Request, Tokens
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot, ModelProfile
from backends.upstream.prefix_cache import Prefix, session_key
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


class Limits(Struct, frozen=True, kw_only=True):
    """What a call may cost at the most: its agent's cap, None where it has none, and what the budgets leave."""

    cap_usd: Decimal | None
    room: Headroom

    def allow(self, worst_usd: Decimal) -> bool:
        """Would they hold this if no call were in flight?"""
        bounds = (self.cap_usd, self.room.unspent_usd)
        return all(usd is None or worst_usd <= usd for usd in bounds)


class CandidateBuilder:
    def __init__(
        self, settings: Settings, *, slots: Mapping[EngineName, EngineSlot], ledger: Ledger, costs: Costs
    ) -> None:
        self._settings = settings
        self._slots = slots
        self._ledger = ledger
        self._costs = costs
        self._fittings = FittingMemory()

    def reconfigure(self, settings: Settings) -> None:
        """Use other settings from the next request on."""
        self._settings = settings

    def model(self, slot: EngineSlot, request: Request, agent: Agent) -> str:
        """The model that the request names, where it is this engine's or an agent's own; else its agent's own, or the
        engine's.
        """
        named = request.model
        if named and request.engine == slot.name:
            return named
        if named and (named == slot.model or any(named == each.model for each in self._settings.agents.values())):
            return slot.model_for(named)
        return slot.model_for(agent.model)

    def build(self, facts: RequestFacts) -> dict[EngineName, Candidate]:
        """The candidate of each engine, in the settings' order."""
        request, classes, redaction = facts.request, facts.classes, facts.redaction
        agent = self._settings.rules(request.agent, request.rules)
        whole = ZoneDraft(request, draft_call(request, classes, facts.size), classes.input_tokens, facts.prefixes)
        drafts = {LOCAL: whole, CLOUD: whole if redaction is None else _redacted(redaction, classes, facts.prefixes)}
        looked_up: dict[tuple[int, ...], Headroom] = {}
        candidates = {}
        for name, slot in self._slots.items():
            model = self.model(slot, request, agent)
            limits = Limits(cap_usd=agent.max_cost_usd, room=self._headroom(slot, request, model, looked_up))
            candidates[name] = self._candidate(slot, model, drafts[slot.zone], facts, limits)
        return candidates

    def remember(self, plan: RoutePlan) -> None:
        """The request is sent as planned: what is left out of its call stays out of the session's next ones."""
        for engine, candidate in plan.candidates.items():
            self._fittings.keep(session_key(plan.facts.request), engine, candidate.profile.model, candidate.fitting)

    def _candidate(
        self, slot: EngineSlot, model: str, zone_draft: ZoneDraft, facts: RequestFacts, limits: Limits
    ) -> Candidate:
        """The prepared call, what it is expected to take, and where its price is not known, the line that says so."""
        request, classes = zone_draft.request, facts.classes
        profile = slot.profile(model)
        counted = slot.ratios.corrected(request.agent, model, zone_draft.input_tokens)
        fitting = self._fitting(slot, zone_draft, profile, counted)
        draft, counted = fitting.apply(zone_draft.draft), fitting.tokens
        call = build_call(draft, request, classes, slot=slot, profile=profile, input_tokens=counted)
        prefix = slot.prefixes.find(model, zone_draft.prefixes)
        cached = min(slot.prefixes.expected_tokens(prefix, session_key(request)), counted)
        call = replace(call, first_byte_s=slot.first_byte_limit_s(counted - cached))
        if zone_draft.whole and slot.zone != LOCAL and (read := slot.prefixes.counted(model, zone_draft.prefixes)):
            call = replace(call, most_tokens=most_after(call, read))
        worst = expected = reread = ZERO
        unpriced = limited = ""
        try:
            call = replace(call, explicit_cache=self._explicit_cache(slot, zone_draft, call, prefix, limits))
            call, limited = self._affordable(slot, call, classes, limits)
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
            room=limits.room,
            estimated_tokens=round(counted / slot.ratios.ratio(request.agent, model)),
            prefix=prefix,
            unread=counted - cached,
            fitting=fitting,
        )

    def _fitting(self, slot: EngineSlot, zone_draft: ZoneDraft, profile: ModelProfile, counted: int) -> Fitting:
        """What to leave out of a local engine's call so that it fits the window; nothing where that cannot be."""
        request, can = zone_draft.request, profile.can
        room = can.context - min(can.min_output, request.sampling.max_tokens or can.min_output)
        earlier = self._fittings.find(session_key(request), slot.name, profile.model)
        whole = Fitting(tokens=counted)
        if slot.zone != LOCAL or (counted <= room and earlier is None):
            return whole
        ratio = slot.ratios.ratio(request.agent, profile.model)
        return fit(zone_draft.draft, counted, room=room, ratio=ratio, ask=request.ask, earlier=earlier) or whole

    def _explicit_cache(
        self, slot: EngineSlot, zone_draft: ZoneDraft, call: Call, prefix: Prefix | None, limits: Limits
    ) -> ExplicitCache | None:
        """What of the prompt may be kept at the provider: nothing that is sensitive or was redacted, and nothing new
        where the limits have no room for it. Raises UnknownPrice.
        """
        request = zone_draft.request
        if slot.read_rates is None or not zone_draft.whole or request.sensitive:
            return None
        session = session_key(request)
        kept = slot.read_rates.plan(
            request.agent,
            session,
            known=prefix,
            held=Decimal(slot.prefixes.share(session)),
            prices=self._costs.cache_prices(slot.name, call.model),
        )
        if kept.seconds and not limits.allow(self._costs.worst(slot.name, replace(call, explicit_cache=kept))):
            return replace(kept, seconds=0, make=False)
        return kept

    def _affordable(self, slot: EngineSlot, call: Call, classes: Classes, limits: Limits) -> tuple[Call, str]:
        """What the limits leave of a call that is billed, and the note on what a budget took. Raises UnknownPrice."""
        if slot.zone == LOCAL:
            return call, ""

        def worst(each: Call) -> Decimal:
            return self._costs.worst(slot.name, each)

        useful = slot.throughput.expected_output(classes.intent, call.max_output)
        if limits.cap_usd is not None:
            call = capped(call, limits.cap_usd, worst=worst, useful=useful)
        return within_budget(call, limits.room, worst=worst, useful=useful)

    def _headroom(
        self, slot: EngineSlot, request: Request, model: str, looked_up: dict[tuple[int, ...], Headroom]
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
            known=looked_up,
        )


def _redacted(redaction: Redaction, classes: Classes, prefixes: tuple[int, ...]) -> ZoneDraft:
    counted = replace(classes, input_tokens=redaction.input_tokens, most_tokens=redaction.most_tokens)
    call = draft_call(redaction.request, counted)
    return ZoneDraft(redaction.request, call, redaction.input_tokens, prefixes, whole=False)
