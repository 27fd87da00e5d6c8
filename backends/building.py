"""A core from its settings: every part made, connected, and closed again in the right order."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from msgspec import Struct

from backends import events
from backends.background import background
from backends.bus import Bus
from backends.cache.store import Cache
from backends.clock import Clock, SystemClock
from backends.engines import registry
from backends.engines.checks import check_local, runs_here
from backends.ledger.install_key import InstallKey
from backends.ledger.prices import Prices, UnknownPrice
from backends.ledger.store import Ledger
from backends.local import LocalCore
from backends.paths import Paths
from backends.router.answering import Answering
from backends.router.classify import Classifier
from backends.router.controls import Controls
from backends.router.costs import Costs
from backends.router.desk import Desk, Label
from backends.router.figures import Figures
from backends.router.flights import Flights
from backends.router.flying import Flying
from backends.router.journal import Journal
from backends.router.pipeline import Pipeline
from backends.router.privacy import PrivacyGate
from backends.router.proof import LocalProof
from backends.router.record import Recorder
from backends.router.thinking import Thinking
from backends.settings import LocalEngine, Settings
from backends.telemetry.history import History
from backends.telemetry.sampler import Sampler
from backends.types import EngineName, Tokens

DRAIN_S = 5.0
NO_KEY = "no Gemini key: set GEMINI_API_KEY"


class Labels(Struct, frozen=True, kw_only=True):
    """Honest names of the engines on screen."""

    local: Label
    cloud: Label


@asynccontextmanager
async def build(
    settings: Settings,
    paths: Paths,
    *,
    gemini_key: str | None,
    labels: Labels | None = None,
    rehearsal: bool = False,
    clock: Clock | None = None,
    drain_s: float = DRAIN_S,
    one_shot: bool = False,
) -> AsyncGenerator[LocalCore]:
    """Open a core; on leaving, what is in the air lands or is ended, and every file and connection is closed.
    A `one_shot` core answers one prompt: it takes no samples and loads no embedding model.

    Raises WrongSettings, and LedgerError where the ledger cannot be read or another core holds it.
    """
    clock = clock or SystemClock()
    await asyncio.to_thread(paths.make)
    bus = Bus()
    async with AsyncExitStack() as stack:
        ledger = await Ledger.open(paths, settings.budgets, clock=clock)
        stack.push_async_callback(ledger.close)
        cache = await Cache.open(paths.cache, settings.cache, clock=clock)
        stack.push_async_callback(cache.close)
        engines = await asyncio.to_thread(registry.build, settings, gemini_key=gemini_key)
        stack.push_async_callback(engines.close)
        desks = _desks(settings, engines, labels, clock)
        controls = Controls(ledger, await ledger.controls())
        desks["cloud"].stopped = controls.cloud_stopped
        if gemini_key is None:
            desks["cloud"].missing = NO_KEY
        journal = Journal(bus, clock)
        journal.restore(await ledger.recent(50))
        if ledger.recovered:
            journal.alert(
                "recovered", f"recovered {ledger.recovered} calls that a crash had left open", level="warning"
            )
        _flag(settings, journal)
        figures = Figures(bus, ledger=ledger, cache=cache, journal=journal)
        stack.callback(figures.close)
        prices = Prices(settings.prices)
        with suppress(UnknownPrice):  # read ahead: the table takes longer than a decision may
            await asyncio.to_thread(prices.cost, settings.engines.cloud.model, Tokens(), clock.now())
        costs = Costs(prices, clock, cloud_model=settings.engines.cloud.model)
        recorder = Recorder(
            settings,
            ledger=ledger,
            cache=cache,
            costs=costs,
            journal=journal,
            key=await asyncio.to_thread(InstallKey.load, paths.install_key),
            clock=clock,
            settled=figures.moved,
        )
        answering = Answering(desks, ledger=ledger, costs=costs, journal=journal, clock=clock)
        flights = Flights(Flying(answering, recorder).fly)
        thinking = Thinking(
            settings,
            privacy=PrivacyGate(settings.privacy),
            classifier=await asyncio.to_thread(Classifier.load),
            desks=desks,
            controls=controls,
            ledger=ledger,
            costs=costs,
        )
        history = History()
        sampler = Sampler(
            settings, bus, history, clock, extra=lambda: _extra(desks, ledger, cache), told=desks["local"].told
        )
        pipeline = Pipeline(
            settings,
            thinking=thinking,
            cache=cache,
            ledger=ledger,
            recorder=recorder,
            journal=journal,
            flights=flights,
            proof=LocalProof(desks["local"], lambda: runs_here(settings.engines.local), clock),
            clock=clock,
        )
        for desk in desks.values():
            desk.changed = _publisher(bus, desk)
        core = LocalCore(
            settings,
            pipeline=pipeline,
            flights=flights,
            desks=desks,
            controls=controls,
            journal=journal,
            ledger=ledger,
            cache=cache,
            sampler=sampler,
            history=history,
            bus=bus,
            clock=clock,
            rehearsal=rehearsal,
        )
        work = () if one_shot else (sampler.run(), engines.prepare(), _look(settings.engines.local, journal))
        if not one_shot:
            cache.start_semantic()
        async with background(*work):
            try:
                yield core
            finally:
                await core.drain(drain_s)


def _flag(settings: Settings, journal: Journal) -> None:
    """Settings that are taken in their safer form: said where they are seen, rather than passed over."""
    if settings.privacy.action == "redact":
        journal.alert("redact", "privacy.action redact keeps prompts local: nothing is redacted", level="warning")
    if settings.ledger.on_unwritable == "serve":
        line = "ledger.on_unwritable serve acts as local-only: without a row no cloud call is made"
        journal.alert("serve", line, level="warning")


async def _look(local: LocalEngine, journal: Journal) -> None:
    """Say at the start what a first call would find out: a model that is not there, or not on this machine."""
    for check in await check_local(local):
        if check.ok is False and check.name != "local engine":
            journal.alert(check.name, f"{check.name}: {check.detail}", remedy=check.remedy)


def _desks(
    settings: Settings, engines: registry.Engines, labels: Labels | None, clock: Clock
) -> dict[EngineName, Desk]:
    local, cloud = settings.engines.local, settings.engines.cloud
    labels = labels or Labels(local=Label(text=local.model), cloud=Label(text=cloud.model))
    return {
        "local": Desk("local", engines.local, local, label=labels.local, clock=clock),
        "cloud": Desk("cloud", engines.cloud, cloud, label=labels.cloud, clock=clock),
    }


def _publisher(bus: Bus, desk: Desk) -> Callable[[], None]:
    return lambda: bus.publish(events.EngineSampled(engine=desk.state()))


def _extra(desks: Mapping[EngineName, Desk], ledger: Ledger, cache: Cache) -> dict[str, float | None]:
    """The core's own series of the history, by name."""
    stats = cache.stats()
    hits = stats.exact_hits + stats.semantic_hits
    return {
        "queue.local": float(desks["local"].limiter.waiting),
        "tokens_per_s.local": desks["local"].rates.tokens_per_s,
        "cache.hit_share": hits / stats.lookups if stats.lookups else None,
        "spend.today": float(ledger.spend().today_usd),
    }
