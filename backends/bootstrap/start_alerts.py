"""What is said from the start of a core on: the last requests, what a crash left open, and what will not work."""

import asyncio
from collections.abc import Iterator, Mapping

from backends.bootstrap.resources import Resources
from backends.catalogue import Retirement
from backends.engines.engine_checks import problems_at_start
from backends.ledger.prices import UnknownPrice
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import (
    CALIBRATION_OUTDATED,
    CALLS_RECOVERED,
    ENGINE_PRICE_UNKNOWN,
    MODEL_ENDS,
    PRICE_UNKNOWN,
    SPEND_CARRIED,
    START_CHECK,
)
from backends.monitoring.monitoring import Monitoring
from backends.monitoring.watch import Holding, Watch, Watcher
from backends.settings.engines import CLOUD_ENGINE
from backends.types import Action, Choice, EngineName
from backends.upstream.engine_slot import EngineSlot

CHECK_AGAIN_S = 15.0
"""How often an engine's failed check is repeated."""

RECOVERED_S = 600.0


def show_known(resources: Resources, slots: Mapping[EngineName, EngineSlot], monitoring: Monitoring) -> None:
    """What a watcher should see at once: the last requests, what a crash left open, what will not work."""
    alerts = monitoring.alerts
    monitoring.activity.restore(resources.recent)
    monitoring.watch.add(_recovery(resources), _unknown_prices(resources, slots))
    monitoring.watch.check()
    if (ending := resources.ending) is not None:
        remedy = f"`{ending.command}`" if ending.command else ""
        alerts.show(MODEL_ENDS, choices=_adoption(resources, ending), announcement=ending.line, remedy=remedy)


def _adoption(resources: Resources, ending: Retirement) -> tuple[Choice, ...]:
    """What takes the place of a model that ends, where a successor is named and has a price."""
    if ending.successor is None:
        return ()
    try:
        resources.prices.tariff(CLOUD_ENGINE, ending.successor, resources.clock.now())
    except UnknownPrice:
        return ()
    adopt = Action(verb="adopt", actor="operator", engine=CLOUD_ENGINE, model=ending.successor)
    return (Choice(label=f"adopt {ending.successor}", action=adopt),)


def _recovery(resources: Resources) -> Watcher:
    """What a crash left open, and what a loss of rows was worth, is said for some minutes; it stays on record."""
    count, carried_usd, clock = resources.ledger.recovered, resources.ledger.carried_usd, resources.clock
    said_until = clock.monotonic() + RECOVERED_S

    def find() -> Iterator[Holding]:
        if clock.monotonic() >= said_until:
            return
        if count:
            yield Holding(condition=CALLS_RECOVERED, fields={"count": count})
        if carried_usd:
            yield Holding(condition=SPEND_CARRIED, fields={"usd": f"{carried_usd:f}"})

    return find


def _unknown_prices(resources: Resources, slots: Mapping[EngineName, EngineSlot]) -> Watcher:
    """Engines whose model has no price, until they are given another, or its price begins."""

    def find() -> Iterator[Holding]:
        for name, slot in slots.items():
            try:
                resources.prices.tariff(name, slot.model, resources.clock.now())
            except UnknownPrice as error:
                problem, _, remedy = str(error).partition(": ")
                yield Holding(
                    condition=PRICE_UNKNOWN if name == CLOUD_ENGINE else ENGINE_PRICE_UNKNOWN,
                    fields={"engine": name, "problem": problem, "remedy": remedy},
                )

    return find


async def check_calibration(resources: Resources, watch: Watch) -> None:
    """Raise an alert where the calibration in force is for other weights, until another is in force."""
    if not resources.calibrations.current.version:
        return  # the classifier is not loaded for it
    weights = (await resources.classifier.get()).version

    def find() -> tuple[Holding, ...]:
        calibration = resources.calibrations.current
        if not calibration.version or calibration.weights == weights:
            return ()
        return (Holding(condition=CALIBRATION_OUTDATED, fields={"calibration": calibration.name}),)

    watch.add(find)
    watch.check()


async def check_engines_at_start(
    resources: Resources, slots: Mapping[EngineName, EngineSlot], alerts: Alerts, *, again_s: float = CHECK_AGAIN_S
) -> None:
    """Raise an alert for each problem, until it is none any more; an address with another build of the model gets no
    calls until the core starts anew.
    """
    stand: set[str] = set()
    while True:
        problems = await problems_at_start(resources.settings, resources.engines)
        found = {problem.check.name for problem in problems}
        for name in stand - found:
            alerts.clear(START_CHECK, check=name)
        stand = found
        for problem in problems:
            check = problem.check
            alerts.show(START_CHECK, check=check.name, finding=check.detail, remedy=check.remedy)
            if problem.other_build:
                slots[problem.engine].exclude(problem.replica, check.detail)
        if not stand:
            return
        await asyncio.sleep(again_s)
