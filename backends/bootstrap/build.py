"""A core from its settings: every part made, connected, and closed again in the right order."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct

from backends import events
from backends.background import background
from backends.bootstrap.resources import Ground, open_ground
from backends.bus import Bus
from backends.clock import Clock, SystemClock
from backends.core.local import LocalCore
from backends.engines.engine_checks import problems_at_start, runs_here
from backends.engines.registry import Engines
from backends.ledger.prices import UnknownPrice
from backends.monitoring.activity import ActivityFeed
from backends.monitoring.figures import Figures
from backends.monitoring.model_watch import ENDING
from backends.monitoring.spend_watch import SpendWatch
from backends.off_loop import loaded
from backends.paths import Paths
from backends.pipeline.budget_release import BudgetRelease
from backends.pipeline.cascade import Cascade
from backends.pipeline.dispatch import Answering
from backends.pipeline.flying import Flying
from backends.pipeline.pipeline import Pipeline
from backends.pipeline.planner import BASELINE, RoutePlanner
from backends.pipeline.reload import Reload
from backends.pipeline.settlement import Recorder
from backends.pipeline.singleflight import Flights
from backends.privacy import PrivacyGate
from backends.settings.engines import BUILT_IN, CLOUD_ENGINE, Keys
from backends.settings.model import Settings
from backends.telemetry.sampler import Sampler
from backends.types import CLOUD, LOCAL, EngineName, RuntimeReading
from backends.upstream.costs import Costs
from backends.upstream.engine_slot import EngineSlot, Label
from backends.upstream.locality import LocalityCheck
from backends.upstream.provider_quota import ProviderQuota, last_of_the_day
from backends.upstream.rate_limiter import RateLimiter
from backends.upstream.replicas import Replica

DRAIN_S = 5.0
NO_ZONE = 'nobody knows where it is: set engines.{name}.zone to "local" or "cloud"'


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
    one_shot: bool = False,
) -> AsyncGenerator[LocalCore]:
    """Open a core; on leaving, what is in the air lands or is ended, and every file and connection is closed.

    `labels` are the engines' honest names on screen, by default their models. A `one_shot` core answers one prompt: it
    takes no samples and loads no embedding model.
    Raises WrongSettings, and LedgerError where the ledger cannot be read or another core holds it.
    """
    async with AsyncExitStack() as stack:
        ground = await open_ground(stack, settings, paths, keys, clock or SystemClock())
        slots = _slots(ground, labels or {}, keys)
        activity = _activity(ground)
        for slot in slots.values():
            _warn_of(slot, activity)
        sampler = Sampler(
            settings.telemetry,
            ground.bus,
            ground.history,
            ground.clock,
            statuses={
                name: [client.status for client in clients]
                for name, clients in ground.engines.items()
                if settings.zone(name) == LOCAL
            },
            on_sample=lambda readings: _on_sample(readings, slots, ground, sampler),
        )
        figures = Figures(ground.bus, ledger=ground.ledger, cache=ground.cache, activity=activity)
        stack.callback(figures.close)
        ground.ledger.on_spill_change(figures.moved)
        watch = SpendWatch(
            settings,
            paths.ledger,
            ledger=ground.ledger,
            prices=ground.prices,
            activity=activity,
            bus=ground.bus,
            clock=ground.clock,
            timezone=ground.timezone,
        )
        watchers = Watchers(activity=activity, figures=figures, sampler=sampler, spend=watch)
        core = _assemble(ground, slots, watchers, rehearsal=rehearsal)
        if one_shot:
            work = []
        else:
            work = [sampler.run(), watch.run(), _prepared(ground.engines), _check_at_start(ground, activity)]
            ground.cache.start_semantic()
        async with background(*work):
            try:
                yield core
            finally:
                await core.drain(drain_s)


def _slots(ground: Ground, labels: Mapping[EngineName, Label], keys: Keys) -> dict[EngineName, EngineSlot]:
    settings = ground.settings
    slots: dict[EngineName, EngineSlot] = {}
    for name, engine in settings.engines.items():
        zone = settings.zone(name)
        slot = slots[name] = EngineSlot(
            name,
            ground.engines[name],
            engine,
            zone=zone or CLOUD,  # where nobody can tell it is nowhere that anything may be sent
            label=labels.get(name) or Label(text=engine.model),
            clock=ground.clock,
            catalogue=ground.catalogue,
            quota=ProviderQuota(ground.clock, ground.cloud_calls if name == BASELINE else None),
        )
        if closed := last_of_the_day(ground.recent, name):
            slot.breaker.remember(*closed)
        slot.stopped = ground.controls.cloud_stopped and slot.zone == CLOUD
        no_zone = "" if zone else NO_ZONE.format(name=name)
        slot.missing = no_zone or engine.missing_key(name, keys.get(name))
        slot.changed = _publisher(ground.bus, slot)
    return slots


def _activity(ground: Ground) -> ActivityFeed:
    """With what a newcomer should see at once: the last requests, what a crash left."""
    activity = ActivityFeed(ground.bus, ground.clock)
    activity.restore(ground.recent)
    if count := ground.ledger.recovered:
        activity.alert("recovered", f"recovered {count} calls that a crash had left open", level="warning")
    for name, engine in ground.settings.engines.items():
        try:
            ground.prices.tariff(name, engine.model, ground.clock.now())
        except UnknownPrice as error:
            what, _, remedy = str(error).partition(": ")
            key = "price" if name == CLOUD_ENGINE else f"price:{name}"
            activity.alert(key, f"{what}: it is not called", remedy=remedy)
    if ground.ending is not None:
        remedy = f"`{ground.ending.command}`" if ground.ending.command else ""
        activity.alert(ENDING, ground.ending.line, remedy=remedy, level="warning")
    learned, weights = ground.calibrations.learned, ground.classifier.version
    if learned.version and learned.weights != weights:
        line = f"{learned.name} was learned for other weights than today's and changes nothing"
        activity.alert("calibration", line, remedy="`claw route train`", level="warning")
    return activity


def _warn_of(slot: EngineSlot, activity: ActivityFeed) -> None:
    """Say at the start what keeps an engine from answering, or from being judged."""
    name, model = slot.name, slot.model
    if slot.breaker.reopens_at() is not None:
        activity.alert(f"engine:{name}", f"{name}: {slot.breaker.why}")
    elif slot.missing and name not in BUILT_IN:
        what, _, remedy = slot.missing.partition(": ")
        activity.alert(f"engine:{name}", f"{name}: {what}", remedy=remedy)
    if slot.profile(model).score is None:
        usual = "the built-in local model" if slot.zone == LOCAL else "the built-in cloud model"
        line = f"{name}: nothing is known of how able {model} is: it is taken for as able as {usual}"
        remedy = f"claw config set engines.{name}.ability SCORE"
        activity.alert(f"ability:{name}", line, remedy=remedy, level="warning")


class Watchers(Struct, frozen=True, kw_only=True):
    """What looks on and tells."""

    activity: ActivityFeed
    figures: Figures
    sampler: Sampler
    spend: SpendWatch


def _assemble(
    ground: Ground, slots: Mapping[EngineName, EngineSlot], watchers: Watchers, *, rehearsal: bool
) -> LocalCore:
    activity, figures = watchers.activity, watchers.figures
    settings, clock, ledger, cache = ground.settings, ground.clock, ground.ledger, ground.cache
    quota = RateLimiter(settings.agents, clock)
    budget_release = BudgetRelease()

    def settled() -> None:
        budget_release.notify()
        figures.moved()

    cloud = settings.engines["cloud"].model
    costs = Costs(ground.prices, clock, cloud_model=cloud, self_hosted=ground.own_cost, catalogue=ground.catalogue)
    recorder = Recorder(
        settings,
        ledger=ledger,
        cache=cache,
        costs=costs,
        activity=activity,
        key=ground.install_key,
        clock=clock,
        settled=settled,
        quota=quota,
    )
    cascade = Cascade(settings, slots, activity=activity, clock=clock, score=ground.score)
    answering = Answering(slots, ledger=ledger, costs=costs, activity=activity, clock=clock, cascade=cascade)
    flights = Flights(Flying(answering, recorder).fly)
    planner = RoutePlanner(
        settings,
        privacy=PrivacyGate(settings.privacy),
        classifier=ground.classifier,
        slots=slots,
        controls=ground.controls,
        ledger=ledger,
        costs=costs,
        calibrations=ground.calibrations,
    )
    pipeline = Pipeline(
        settings,
        planner=planner,
        cache=cache,
        ledger=ledger,
        recorder=recorder,
        activity=activity,
        flights=flights,
        proof=_proof(slots, ground),
        moved=figures.moved,
        quota=quota,
        budget_release=budget_release,
        clock=clock,
    )
    return LocalCore(
        settings,
        pipeline=pipeline,
        flights=flights,
        slots=slots,
        controls=ground.controls,
        activity=activity,
        ledger=ledger,
        cache=cache,
        sampler=watchers.sampler,
        spend_watch=watchers.spend,
        history=ground.history,
        bus=ground.bus,
        clock=clock,
        rehearsal=rehearsal,
        calibrations=ground.calibrations,
        reload=Reload(settings, ground.config, (planner, pipeline, cascade), rehearsal=rehearsal),
    )


def _proof(slots: Mapping[EngineName, EngineSlot], ground: Ground) -> LocalityCheck:
    """Each of an engine's addresses is proved by itself: sensitive prompts go to those that are."""

    async def check(slot: EngineSlot, replica: Replica, model: str) -> bool | None:
        return await runs_here(slot.settings, (ground.engines[slot.name][replica.index],), model)

    own = [agent.model for agent in ground.settings.agents.values() if agent.model]
    return LocalityCheck((slot for slot in slots.values() if slot.zone == LOCAL), own, check, ground.clock)


async def _prepared(engines: Engines) -> None:
    await engines.prepare()
    loaded()


async def _check_at_start(ground: Ground, activity: ActivityFeed) -> None:
    for check in await problems_at_start(ground.settings, ground.engines):
        activity.alert(check.name, f"{check.name}: {check.detail}", remedy=check.remedy)


def _publisher(bus: Bus, slot: EngineSlot) -> Callable[[], None]:
    return lambda: bus.publish(events.EngineSampled(engine=slot.state()))


def _on_sample(
    readings: Mapping[str, tuple[RuntimeReading, ...]],
    slots: Mapping[EngineName, EngineSlot],
    ground: Ground,
    sampler: Sampler,
) -> None:
    """Pass on a sample: the engines' readings to their slots, the GPUs' power to the costs, the core's own series."""
    for name, slot in slots.items():
        if name in readings:
            slot.observe(readings[name])
    ground.own_cost.measured(sampler.gpu)
    for series, value in _extra(slots, ground).items():
        ground.history.add(series, value)


def _extra(slots: Mapping[EngineName, EngineSlot], ground: Ground) -> dict[str, float | None]:
    """The core's own series of the history, by name."""
    local = {name: slot for name, slot in slots.items() if slot.zone == LOCAL}
    counts = ground.cache.counts
    return {
        **{f"queue.{name}": float(slot.limiter.waiting) for name, slot in local.items()},
        **{f"tokens_per_s.{name}": slot.throughput.tokens_per_s for name, slot in local.items()},
        "cache.hit_share": counts.recent_share(),
        "cache.exact_share": counts.recent_share("exact"),
        "cache.semantic_share": counts.recent_share("semantic"),
        "spend.today": float(ground.ledger.spend().today_usd),
    }
