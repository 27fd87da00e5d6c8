"""What local calls cost the operator: energy, and the machine's rent or wear, by each call's share of its time.

Calls that run at the same time have equal shares. What the machine costs while it is idle belongs to no call.
"""

from decimal import Decimal

from msgspec import Struct

from backends.clock import Clock
from backends.finops.break_even import JOULES_PER_KWH, MONTH_S, fixed_usd_month
from backends.ledger.tariff import rounded
from backends.settings.money import LocalCosts
from backends.types import GpuReading


class MachineUse(Struct, frozen=True):
    """Running sums: seconds, the joules of those whose power was known, and those whose power was not."""

    seconds: float
    joules: float
    unmetered: float


class SelfHostedCost:
    """Uses each reading of the GPUs; where none reports its power, the settings' figure is used."""

    def __init__(self, settings: LocalCosts, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._watts = settings.power_w
        self._running = 0
        self._at = clock.monotonic()
        self._sums = MachineUse(0.0, 0.0, 0.0)
        self._second_usd = _second_usd(settings)

    def begin(self) -> MachineUse:
        """A call starts."""
        self._add_up()
        self._running += 1
        return self._sums

    def end(self, began: MachineUse) -> Decimal | None:
        """A call has ended: US dollars of its share. None where no setting gives a price, or where energy has a price
        and the power was not known all the time.
        """
        self._add_up()
        self._running -= 1
        kwh_usd = self._settings.kwh_usd
        if kwh_usd is None and self._second_usd is None:
            return None
        sums = self._sums
        if kwh_usd is not None and sums.unmetered > began.unmetered:
            return None
        usd = Decimal(sums.seconds - began.seconds) * (self._second_usd or 0)
        usd += Decimal(sums.joules - began.joules) / JOULES_PER_KWH * (kwh_usd or 0)
        return rounded(usd)

    def record(self, reading: GpuReading | None) -> None:
        """The GPUs' power from now on is that of this reading."""
        self._add_up()
        gpus = reading.gpus if reading is not None and reading.state == "ok" else ()
        drawn = [gpu.power_w for gpu in gpus if gpu.power_w is not None]
        self._watts = sum(drawn) if drawn else self._settings.power_w

    def _add_up(self) -> None:
        now = self._clock.monotonic()
        if self._running:
            part_s = (now - self._at) / self._running
            watts = self._watts
            self._sums = MachineUse(
                self._sums.seconds + part_s,
                self._sums.joules + (watts or 0.0) * part_s,
                self._sums.unmetered + (part_s if watts is None else 0.0),
            )
        self._at = now


def _second_usd(settings: LocalCosts) -> Decimal | None:
    """Rent and wear of a second; None where neither is set."""
    month = fixed_usd_month(settings)
    return None if month is None else month / MONTH_S
