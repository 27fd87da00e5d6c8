"""The watchers of a core beside those of its engines and requests: machine, money, cache and privacy."""

from collections.abc import Callable, Mapping

from backends.bootstrap.resources import Resources
from backends.monitoring.answer_conditions import watch_answers, watch_privacy
from backends.monitoring.engine_conditions import lacking
from backends.monitoring.machine_conditions import MachineWatch
from backends.monitoring.money_conditions import watch_money
from backends.monitoring.monitoring import Monitoring
from backends.monitoring.watch import Watcher
from backends.settings.model import Settings
from backends.types import CLOUD, LOCAL, EngineName
from backends.upstream.engine_slot import EngineSlot


def watchers(
    resources: Resources,
    slots: Mapping[EngineName, EngineSlot],
    monitoring: Monitoring,
    in_force: Callable[[], Settings],
) -> tuple[Watcher, ...]:
    """`in_force` are the settings as they are at the moment of a check."""
    watch, clock, ledger = monitoring.watch, resources.clock, resources.ledger
    local, cloud = (frozenset(name for name, slot in slots.items() if slot.zone == zone) for zone in (LOCAL, CLOUD))
    return (
        MachineWatch(monitoring.sampler, sorted(local), watch, clock),
        watch_money(
            lambda: ledger.spend().budgets,
            lambda: [slots[name].state() for name in cloud],
            monitoring.traffic.ended,
            watch,
        ),
        watch_answers(resources.cache, lambda: in_force().cache.risk, watch),
        watch_privacy(monitoring.activity, monitoring.traffic, cloud, clock),
        lambda: lacking(slots.values(), in_force()),
    )
