"""The core itself: the facade's verbs over the pipeline, the operator's actions and what watches them."""

import os
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime

from msgspec.structs import replace

from backends import __version__, events
from backends.clock import Clock
from backends.core.actions import OperatorActions
from backends.core.past_snapshot import past_snapshot
from backends.core.rehearsal_actions import TwinControl
from backends.core.status import engine_status, heard, severity, tightest, worst
from backends.errors import ClawError, WrongUse
from backends.monitoring.alerts import REHEARSAL_FAILED
from backends.monitoring.monitoring import Monitoring
from backends.pipeline.controls import Controls
from backends.pipeline.pipeline import Pipeline
from backends.settings.engines import LOCAL_ENGINE
from backends.types import Acted, Action, Chunk, EngineName, Explanation, Request, Review, Snapshot, Status, Timeline
from backends.upstream.engine_slot import EngineSlot


class LocalCore:
    """Built by `backends.bootstrap.build.build`; implements `backends.core.api.Core`."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        actions: OperatorActions,
        slots: Mapping[EngineName, EngineSlot],
        controls: Controls,
        monitoring: Monitoring,
        clock: Clock,
        rehearsal: bool,
    ) -> None:
        self._pipeline = pipeline
        self._actions = actions
        self._slots = slots
        self._controls = controls
        self._monitoring = monitoring
        self._clock = clock
        self._rehearsal = rehearsal
        self._started_at: datetime = clock.now()
        self._gateway = ""
        self._clients: Callable[[], int] = int

    def ask(self, request: Request) -> AsyncGenerator[Chunk]:
        return self._pipeline.ask(request)

    async def explain(self, request: Request) -> Explanation:
        return await self._pipeline.explain(request)

    def events(self) -> AsyncGenerator[events.Event]:
        return self._monitoring.bus.events()

    async def snapshot(self, at: datetime | None = None) -> Snapshot:
        if at is None:
            return replace(self._now(), undoable=await self._actions.undoable(self._clock.now()))
        if at > self._clock.now():
            raise WrongUse("that moment has not come yet")
        return past_snapshot(self._now(), await self._monitoring.past.moment(at))

    async def timeline(self, since: datetime, until: datetime) -> Timeline:
        return await self._monitoring.past.timeline(since, until)

    def _now(self) -> Snapshot:
        monitoring = self._monitoring
        return Snapshot(
            at=self._clock.now(),
            version=__version__,
            pid=os.getpid(),
            started_at=self._started_at,
            rehearsal=self._rehearsal,
            engines=tuple(slot.state() for slot in self._slots.values()),
            agents=self._actions.agents(),
            recent=monitoring.activity.recent(),
            in_flight=monitoring.activity.in_flight(),
            spend=monitoring.stats.spend(),
            ledger=monitoring.stats.ledger(),
            forecast_summary=monitoring.spend_watch.forecast_summary,
            cache=monitoring.stats.cache(),
            gpu=monitoring.sampler.gpu,
            host=monitoring.sampler.host,
            runtime=monitoring.sampler.runtimes.get(LOCAL_ENGINE),
            runtimes=monitoring.sampler.runtimes,
            history=monitoring.history.series(),
            history_step_s=monitoring.history.step_s,
            alerts=monitoring.alerts.current(),
            past_alerts=monitoring.alerts.past(),
            traffic=monitoring.traffic.traffic(),
            sessions=monitoring.sessions.current(),
            refusals=monitoring.refusals.today(),
            cloud_stopped=self._controls.cloud_stopped,
            gateway=self._gateway,
            clients=self._clients(),
        )

    async def status(self) -> Status:
        alerts, spend = self._monitoring.alerts.current(), self._monitoring.stats.spend()
        first = worst(alerts)
        engines = tuple(engine_status(slot.state(), alerts) for slot in self._slots.values())
        return Status(
            at=self._clock.now(),
            version=__version__,
            pid=os.getpid(),
            started_at=self._started_at,
            rehearsal=self._rehearsal,
            severity=severity(first, engines),
            worst=first,
            alerts=len(heard(alerts)),
            silenced=len(alerts) - len(heard(alerts)),
            traffic=self._monitoring.traffic.traffic(),
            engines=engines,
            cloud_stopped=self._controls.cloud_stopped,
            today_usd=spend.today_usd,
            budget=tightest(spend.budgets),
        )

    async def review(self) -> Review:
        return await self._monitoring.spend_watch.review()

    async def act(self, action: Action) -> Acted:
        return await self._actions.carry_out(action, self._clock.now())

    def report_listening(self, *, gateway: str = "", clients: Callable[[], int]) -> None:
        """Where agents reach this core, "" where they cannot, and how many consoles are attached to it."""
        self._gateway, self._clients = gateway, clients

    def report_refusal(self, id: str, agent: str, error: ClawError) -> None:
        """Count and show a request that the gateway refused before it was one for the core."""
        self._monitoring.activity.refused(id, agent, error)

    def room(self, agent: str, among: int) -> int | None:
        """How many more requests of `agent` its engines would take: see `RoutePlanner.room`."""
        return self._pipeline.room(agent, among)

    def rehearse_on(self, twins: TwinControl) -> None:
        """Let the verb "rehearse" start and end incidents at these."""
        self._actions.rehearsal.twins = twins

    def report_rehearsal(self, problem: str) -> None:
        """Tell watchers that the twins have failed; with "" they are well again."""
        self._monitoring.alerts.update(REHEARSAL_FAILED, problem)

    async def drain(self, seconds: float) -> None:
        """Wait for running requests, then stop the rest; every row is written."""
        await self._pipeline.drain(seconds)
