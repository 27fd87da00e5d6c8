"""A core from its settings: every part made, connected, and closed again in the right order."""

import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

from msgspec import Struct

from backends import events
from backends.background import background
from backends.bootstrap.assembled_actions import operator_actions
from backends.bootstrap.assembled_monitoring import assembled_monitoring
from backends.bootstrap.resources import Resources, open_resources
from backends.bootstrap.start_alerts import check_calibration, check_engines_at_start, show_known
from backends.bus import Bus
from backends.clock import Clock, SystemClock
from backends.core.actions import OperatorActions
from backends.core.local import LocalCore
from backends.engines.engine_checks import runs_here
from backends.engines.registry import Memory
from backends.envelope.reader import EnvelopeReader
from backends.monitoring.heartbeat import send_heartbeats
from backends.monitoring.minute_recorder import MinuteRecorder
from backends.monitoring.monitoring import Monitoring
from backends.off_loop import loaded
from backends.paths import Paths
from backends.pipeline.admission import AdmissionControl
from backends.pipeline.candidate_builder import CandidateBuilder
from backends.pipeline.cascade import Cascade
from backends.pipeline.dispatch import Dispatcher
from backends.pipeline.outcomes import Outcomes
from backends.pipeline.pipeline import Pipeline, Stages
from backends.pipeline.planner import RoutePlanner
from backends.pipeline.privacy_alerts import PrivacyAlerts
from backends.pipeline.privacy_check import PrivacyCheck
from backends.pipeline.run_guard import RunGuard
from backends.pipeline.settlement import Settlement
from backends.pipeline.shadow_requests import ShadowRequests
from backends.settings.engines import CLOUD_ENGINE, Keys
from backends.settings.model import Settings
from backends.types import CLOUD, LOCAL, EngineName
from backends.upstream.cloud_alone import CloudAlone
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot, Label
from backends.upstream.locality import LocalityCheck
from backends.upstream.provider_quota import ProviderQuota, last_of_the_day
from backends.upstream.rate_limiter import RateLimiter
from backends.upstream.replicas import Replica

Purpose = Literal["service", "console", "one-shot"]

DRAIN_S = 5.0
NO_ZONE = 'its zone is not known: set engines.{name}.zone to "local" or "cloud"'


class BuiltCore(Struct, frozen=True, kw_only=True):
    """A core, and what it was made from: for tests and benchmarks, which look behind the facade."""

    core: LocalCore
    resources: Resources
    slots: Mapping[EngineName, EngineSlot]
    minutes: MinuteRecorder


@asynccontextmanager
async def build(
    settings: Settings,
    paths: Paths,
    *,
    keys: Keys,
    labels: Mapping[EngineName, Label] | None = None,
    rehearsal: bool = False,
    clock: Clock | None = None,
    drain_s: float = DRAIN_S,
    purpose: Purpose = "service",
    memory: Memory | None = None,
) -> AsyncGenerator[BuiltCore]:
    """Open a core; on leaving, running requests end or are stopped, and every file and connection is closed.

    `labels` are the engines' honest names on screen, by default their models. `purpose` says what the core is for: a
    "service" loads the engines' SDKs and the embedding model ahead of the first request, a "console" when a request
    first needs them, which saves 20 and 400 MB; a "one-shot" answers one prompt, takes no samples and loads no
    embedding model. `memory` asks what this machine has for models; without it a model's window is the usual one.
    Raises WrongSettings, and LedgerError where the ledger cannot be read or another core holds it.
    """
    async with AsyncExitStack() as stack:
        resources = await open_resources(stack, settings, paths, keys, clock or SystemClock(), memory=memory)
        slots = _slots(resources, labels or {}, keys, rehearsal=rehearsal)
        costs = _costs(resources)
        monitoring = assembled_monitoring(stack, resources, slots, costs, paths, rehearsal=rehearsal)
        if purpose != "one-shot":
            await monitoring.incidents.restore()
        show_known(resources, slots, monitoring)
        await check_calibration(resources, monitoring.watch)
        core, actions = _assemble(resources, slots, costs, monitoring, rehearsal=rehearsal)
        await actions.restore()
        if purpose == "service":
            resources.cache.start_semantic()
        elif purpose == "console":
            resources.cache.start_semantic_on_demand()
        work = () if purpose == "one-shot" else _work(resources, slots, monitoring, actions, rehearsal=rehearsal)
        prepared = (_prepare(resources),) if purpose == "service" else ()
        async with background(*work, *prepared):
            try:
                yield BuiltCore(core=core, resources=resources, slots=slots, minutes=monitoring.minutes)
            finally:
                await core.drain(drain_s)
                await monitoring.refusals.flush()
                if purpose != "one-shot":
                    await monitoring.incidents.flush()
                    await monitoring.minutes.flush()


def _work(
    resources: Resources,
    slots: Mapping[EngineName, EngineSlot],
    monitoring: Monitoring,
    actions: OperatorActions,
    *,
    rehearsal: bool,
) -> Iterator[Coroutine[object, object, None]]:
    """What goes on in the background as long as a core stands."""
    yield monitoring.sampler.run()
    yield monitoring.spend_watch.run()
    yield monitoring.refusals.run()
    yield monitoring.minutes.run()
    yield monitoring.watch.run()
    yield monitoring.incidents.run()
    yield monitoring.push.run()
    yield actions.run()
    yield check_engines_at_start(resources, slots, monitoring.alerts)
    beats = resources.settings.heartbeat
    if not rehearsal and (beats.url or beats.url_env):
        yield send_heartbeats(beats, os.environ, monitoring.alerts)


def _slots(
    resources: Resources, labels: Mapping[EngineName, Label], keys: Keys, *, rehearsal: bool
) -> dict[EngineName, EngineSlot]:
    settings = resources.settings
    slots: dict[EngineName, EngineSlot] = {}
    for name, engine in settings.engines.items():
        zone = settings.zone(name)
        slot = slots[name] = EngineSlot(
            name,
            resources.engines[name],
            engine,
            zone=zone or CLOUD,  # where nobody can tell it is nowhere that anything may be sent
            label=labels.get(name) or Label(text=engine.model),
            clock=resources.clock,
            catalogue=resources.catalogue,
        )
        slot.quota = ProviderQuota(resources.clock, resources.cloud_calls.get(name))
        # A rehearsal begins with new twins, which know of no quota that was used up before.
        if not rehearsal and (closed := last_of_the_day(resources.recent, name)):
            slot.breaker.remember(*closed)
        slot.stopped = resources.controls.cloud_stopped and slot.zone == CLOUD
        slot.draining = name in resources.controls.drained
        no_zone = "" if zone else NO_ZONE.format(name=name)
        slot.missing = no_zone or engine.missing_key(name, keys.get(name))
        slot.changed = _publisher(resources.bus, slot)
    return slots


def _costs(resources: Resources) -> Costs:
    return Costs(
        resources.prices,
        resources.clock,
        cloud_model=resources.settings.engines[CLOUD_ENGINE].model,
        self_hosted=resources.self_hosted_cost,
        catalogue=resources.catalogue,
    )


def _assemble(
    resources: Resources,
    slots: Mapping[EngineName, EngineSlot],
    costs: Costs,
    monitoring: Monitoring,
    *,
    rehearsal: bool,
) -> tuple[LocalCore, OperatorActions]:
    settings, clock = resources.settings, resources.clock
    stages = _stages(resources, slots, costs, monitoring)
    pipeline = Pipeline(settings, stages, activity=monitoring.activity, clock=clock)
    actions = operator_actions(resources, slots, monitoring, pipeline, rehearsal=rehearsal)
    core = LocalCore(
        pipeline=pipeline,
        actions=actions,
        slots=slots,
        controls=resources.controls,
        monitoring=monitoring,
        clock=clock,
        rehearsal=rehearsal,
    )
    return core, actions


def _stages(
    resources: Resources,
    slots: Mapping[EngineName, EngineSlot],
    costs: Costs,
    monitoring: Monitoring,
) -> Stages:
    settings, clock, ledger, cache = resources.settings, resources.clock, resources.ledger, resources.cache
    planner = RoutePlanner(
        settings,
        classifier=resources.classifier,
        slots=slots,
        controls=resources.controls,
        candidates=CandidateBuilder(settings, slots=slots, ledger=ledger, costs=costs),
        calibrations=resources.calibrations,
    )
    admission = AdmissionControl(
        settings,
        planner=planner,
        ledger=ledger,
        rate_limiter=RateLimiter(settings.agents, clock),
        monitoring=monitoring,
        clock=clock,
    )
    outcomes = Outcomes(costs, clock, CloudAlone(clock.monotonic, slots[CLOUD_ENGINE].prefixes))
    return Stages(
        reader=EnvelopeReader(),
        sessions=monitoring.sessions,
        run_guard=RunGuard(
            settings, sessions=monitoring.sessions, controls=resources.controls, alerts=monitoring.alerts
        ),
        privacy=PrivacyCheck(
            settings,
            key=resources.install_key.derived("privacy"),
            choices=resources.controls.privacy,
            alerts=PrivacyAlerts(monitoring.alerts, resources.controls.privacy, clock),
        ),
        planner=planner,
        locality=_locality(slots, resources),
        cache=cache,
        admission=admission,
        dispatcher=Dispatcher(slots, ledger=ledger, costs=costs, monitoring=monitoring, clock=clock),
        cascade=Cascade(settings, slots, activity=monitoring.activity, clock=clock, score=resources.score),
        outcomes=outcomes,
        settlement=Settlement(
            settings,
            ledger=ledger,
            cache=cache,
            key=resources.install_key,
            outcomes=outcomes,
            admission=admission,
            monitoring=monitoring,
        ),
        shadow_requests=ShadowRequests(settings, cache=cache, ledger=ledger),
    )


def _locality(slots: Mapping[EngineName, EngineSlot], resources: Resources) -> LocalityCheck:
    """Each of an engine's addresses is proved by itself: sensitive prompts go to those that are."""

    async def check(slot: EngineSlot, replica: Replica, model: str) -> bool | None:
        return await runs_here(slot.settings, (resources.engines[slot.name][replica.index],), model)

    local = (slot for slot in slots.values() if slot.zone == LOCAL)
    return LocalityCheck(local, resources.settings, check, resources.clock)


async def _prepare(resources: Resources) -> None:
    await resources.classifier.get()
    await resources.engines.prepare()
    loaded()


def _publisher(bus: Bus, slot: EngineSlot) -> Callable[[], None]:
    return lambda: bus.publish(events.EngineSampled(engine=slot.state()))
