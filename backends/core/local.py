"""The core itself: the facade's verbs over the pipeline."""

import asyncio
import difflib
import os
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime

from backends import __version__, events
from backends.agent_names import spelled
from backends.bus import Bus
from backends.cache.response_cache import ResponseCache
from backends.clock import Clock
from backends.engine_names import known_engine
from backends.errors import WrongSettings, WrongUse
from backends.ledger.budget_override import override_budget
from backends.ledger.store import Ledger
from backends.monitoring.activity import ActivityFeed
from backends.monitoring.spend_watch import SpendWatch
from backends.pipeline.cache_actions import correct
from backends.pipeline.controls import Controls
from backends.pipeline.pipeline import Pipeline
from backends.pipeline.reload import Reload
from backends.pipeline.singleflight import Flights
from backends.routing.calibration.learned import Calibrations
from backends.settings.engines import LOCAL_ENGINE
from backends.settings.model import Settings
from backends.telemetry.history import History
from backends.telemetry.sampler import Sampler
from backends.types import (
    INTENTS,
    Acted,
    Action,
    AgentState,
    Chunk,
    EngineName,
    Explanation,
    Request,
    Review,
    Snapshot,
)
from backends.upstream.engine_slot import EngineSlot


class LocalCore:
    """Built by `backends.bootstrap.build.build`; implements facade.Core."""

    def __init__(
        self,
        settings: Settings,
        *,
        pipeline: Pipeline,
        flights: Flights,
        slots: Mapping[EngineName, EngineSlot],
        controls: Controls,
        activity: ActivityFeed,
        ledger: Ledger,
        cache: ResponseCache,
        sampler: Sampler,
        history: History,
        spend_watch: SpendWatch,
        bus: Bus,
        clock: Clock,
        rehearsal: bool,
        calibrations: Calibrations,
        reload: Reload,
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._flights = flights
        self._slots = slots
        self._controls = controls
        self._activity = activity
        self._ledger = ledger
        self._cache = cache
        self._sampler = sampler
        self._history = history
        self._spend_watch = spend_watch
        self._bus = bus
        self._clock = clock
        self._rehearsal = rehearsal
        self._calibrations = calibrations
        self._reload = reload
        self._started_at: datetime = clock.now()

    def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        return self._pipeline.ask(request)

    async def explain(self, request: Request) -> Explanation:
        return await self._pipeline.explain(request)

    def events(self) -> AsyncGenerator[events.Event]:
        return self._bus.events()

    async def snapshot(self) -> Snapshot:
        return Snapshot(
            at=self._clock.now(),
            version=__version__,
            pid=os.getpid(),
            started_at=self._started_at,
            rehearsal=self._rehearsal,
            engines=tuple(slot.state() for slot in self._slots.values()),
            agents=tuple(
                AgentState(name=name, policy=agent.policy, pinned=self._controls.pins.get(name))
                for name, agent in self._settings.agents.items()
            ),
            recent=self._activity.recent(),
            in_flight=self._activity.in_flight(),
            spend=self._ledger.spend(),
            forecast_summary=self._spend_watch.forecast_summary,
            cache=self._cache.stats(),
            gpu=self._sampler.gpu,
            host=self._sampler.host,
            runtime=self._sampler.runtimes.get(LOCAL_ENGINE),
            runtimes=self._sampler.runtimes,
            history=self._history.series(),
            history_step_s=self._history.step_s,
            alerts=self._activity.alerts(),
            cloud_stopped=self._controls.cloud_stopped,
        )

    async def review(self) -> Review:
        return await self._spend_watch.review()

    async def act(self, action: Action) -> Acted:
        acted = await self._carry_out(action)
        self._pipeline.look_again()
        self._bus.publish(
            events.ActionDone(acted=acted, cloud_stopped=self._controls.cloud_stopped, pins=dict(self._controls.pins))
        )
        return acted

    def alert(self, key: str, text: str) -> None:
        """Tell watchers of a trouble in what the core stands on; with no text it is over."""
        if text:
            self._activity.alert(key, text)
        else:
            self._activity.clear(key)

    async def drain(self, seconds: float) -> None:
        """Let what is in the air land, then end the rest; every row is written."""
        await self._pipeline.rechecks.close()
        await self._flights.drain(seconds)

    async def _carry_out(self, action: Action) -> Acted:  # noqa: PLR0911 — one a verb
        match action:
            case Action(verb="stop-cloud" | "resume-cloud"):
                return await self._stop_cloud(action, stopped=action.verb == "stop-cloud")
            case Action(verb="pin", agent=str(agent), engine=str(engine)):
                return await self._pin(action, self._known(agent), known_engine(engine, self._slots))
            case Action(verb="unpin", agent=str(agent)):
                return await self._pin(action, self._known(agent), None)
            case Action(verb="cancel", id=str(id)):
                return await self._cancel(action, id)
            case Action(verb="rate", id=str(), good=bool()):
                return await self._rate(action)
            case Action(verb="relearn"):
                learned = await asyncio.to_thread(self._calibrations.reload)
                return await self._audited(action, f"{learned.name} in force")
            case Action(verb="wrong-hit" | "kill-entry", id=str(id)):
                return await self._audited(action, await correct(self._cache, action.verb, id))
            case Action(verb="reload"):
                return await self._read_again(action)
            case Action(verb="flush-cache"):
                gone = await self._cache.flush(action.agent)
                whose = f" of {action.agent}" if action.agent else ""
                return await self._audited(action, f"{gone} cached answers{whose} flushed")
            case Action(verb="set-budget"):
                return await self._set_budget(action)
        raise WrongUse(f"{action.verb} needs more words: see `claw act --help`")

    async def _stop_cloud(self, action: Action, *, stopped: bool) -> Acted:
        undo = Action(verb="resume-cloud" if stopped else "stop-cloud", actor=action.actor)
        detail = "cloud spend stopped" if stopped else "cloud spend resumed"
        acted = Acted(at=self._clock.now(), action=action, detail=detail, undo=undo)
        await self._controls.stop_cloud(stopped, acted)
        self._slots["cloud"].stopped = stopped
        self._slots["cloud"].changed()
        return acted

    async def _pin(self, action: Action, agent: str, engine: EngineName | None) -> Acted:
        before = self._controls.pins.get(agent)
        undo = Action(verb="pin" if before else "unpin", actor=action.actor, agent=agent, engine=before)
        detail = f"{agent} pinned to {engine}" if engine else f"{agent} unpinned"
        acted = Acted(at=self._clock.now(), action=action, detail=detail, undo=undo if engine or before else None)
        await self._controls.pin(agent, engine, acted)
        return acted

    async def _set_budget(self, action: Action) -> Acted:
        acted = override_budget(action, self._ledger.budgets(), self._clock.now())
        await self._ledger.set_budget(acted)
        self._bus.publish(events.SpendSampled(spend=self._ledger.spend()))
        return acted

    async def _cancel(self, action: Action, id: str) -> Acted:
        if not self._flights.cancel(id):
            raise WrongUse(f"no call {id} is running: `claw` lists those that are")
        return await self._audited(action, f"call {id} cancelled")

    async def _rate(self, action: Action) -> Acted:
        if action.intent is not None and action.intent not in INTENTS:
            raise WrongUse(f"no intent {action.intent!r} is known: use one of {', '.join(INTENTS)}")
        corrections = (
            action.engine and f"{action.engine} would have been better",
            action.intent and f"it was {action.intent}",
        )
        said = ", ".join(("good" if action.good else "bad", *filter(None, corrections)))
        if not action.good and action.id and (entry := await self._cache.report_wrong_hit(action.id)):
            said += f", its cache entry {entry} killed"
        acted = Acted(at=self._clock.now(), action=action, detail=f"answer {action.id} rated {said}")
        await self._ledger.rate(acted)
        return acted

    async def _read_again(self, action: Action) -> Acted:
        """Take claw.toml as it is now; where it is wrong, what was in force stays, and screens say so."""
        try:
            self._settings, told = await self._reload.read()
        except WrongSettings as error:
            self._activity.alert(
                "settings", f"claw.toml was not taken: {error}", remedy="correct it, then reload again"
            )
            raise
        self._activity.clear("settings")
        self._bus.publish(events.Resync())
        return await self._audited(action, told)

    async def _audited(self, action: Action, detail: str) -> Acted:
        acted = Acted(at=self._clock.now(), action=action, detail=detail)
        await self._ledger.audit(acted)
        return acted

    def _known(self, agent: str) -> str:
        if known := spelled(agent, self._settings.agents):
            return known
        nearest = difflib.get_close_matches(agent, self._settings.agents, n=1, cutoff=0.0)[0]
        raise WrongUse(f"no agent {agent!r} is known: the nearest is {nearest}; others are added in claw.toml")
