"""Beside the requests: sums kept up, the month foreseen, unusual spend told, and a review on demand."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path

from backends import events
from backends.background import background
from backends.bus import Bus
from backends.clock import ManualClock
from backends.finops.discounts import discounts
from backends.finops.forecast_summary import forecast_summary
from backends.ledger.prices import Prices
from backends.ledger.sqlite_connection import open_read_only
from backends.ledger.store import Ledger
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.spend_analysis import SpendAnalysis
from backends.monitoring.spend_watch import SpendWatch
from backends.settings.model import LedgerSettings, Settings
from tests.backends.ledger.samples import COST, attempt, opened, outcome, paths
from tests.core import stand
from tests.waiting import until

HOURS = 15 * 24


class Watched:
    """A ledger with two weeks of one paid request every half hour, and a watch on it."""

    def __init__(self, home: Path, ledger: Ledger, clock: ManualClock, settings: Settings) -> None:
        self.ledger, self.clock, self.bus = ledger, clock, Bus()
        self.alerts = Alerts(self.bus, clock)
        self.watch = SpendWatch(
            SpendAnalysis(settings, paths(home).ledger, prices=Prices({}), timezone=UTC),
            ledger=ledger,
            alerts=self.alerts,
            bus=self.bus,
            clock=clock,
            keep_days=settings.ledger.keep_days,
            every_s=0.005,
        )


@asynccontextmanager
async def watched(home: Path, settings: Settings | None = None) -> AsyncGenerator[Watched]:
    clock = ManualClock()
    async with opened(home, clock=clock, timezone=UTC) as ledger:
        now = clock.now()
        rows = (
            outcome(str(half), attempt(), agent="writer", at=now - timedelta(minutes=30 * half))
            for half in range(1, 2 * HOURS)
        )
        await asyncio.gather(*(ledger.settle(each) for each in rows))
        it = Watched(home, ledger, clock, settings or Settings())
        async with background(it.watch.run()):
            yield it


async def test_the_month_is_foreseen_and_sums_are_kept_up(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await until(lambda: it.watch.forecast_summary is not None)
        found = it.watch.forecast_summary
        assert found is not None
        # 48 requests a day: on 15 January at noon 16 days are left, and today's half.
        assert found.forecast is not None
        assert abs(found.forecast.month_end_usd - 31 * 48 * COST) < Decimal("0.08")
        assert found.month_saved_by.routing == 0
        assert sum(found.by_hour["writer"]) > 0
        assert len(found.by_hour["writer"]) == 24
    assert await told(tmp_path, "SELECT sum(requests) FROM rollups") == 2 * HOURS - 1


async def test_unusual_spend_is_told_and_taken_back_when_it_is_over(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await until(lambda: it.watch.forecast_summary is not None)
        began = it.clock.now()
        for number in range(60):
            new = outcome(f"new {number}", attempt("0.01"), agent="writer", at=began)
            it.bus.publish(events.Settled(outcome=new))
        await until(lambda: any(alert.key == "spend:writer" for alert in it.alerts.current()))
        (alert,) = it.alerts.current()
        assert alert.since == began
        assert alert.cost_usd == Decimal("0.60")
        it.bus.publish(events.Settled(outcome=outcome("one more", attempt("0.05"), agent="writer", at=began)))
        it.clock.advance(60)
        usual = Decimal("0.01")
        await until(lambda: it.alerts.current()[0].cost_usd not in (None, Decimal("0.60")))
        assert abs((it.alerts.current()[0].cost_usd or 0) - Decimal("0.65")) < usual
        assert alert.text.startswith("writer spends $")
        assert "claw act pin writer local" in alert.remedy
        it.clock.advance(16 * 60)
        await until(lambda: not it.alerts.current())


async def test_a_ledger_that_cannot_be_read_is_told_and_looked_at_again(tmp_path: Path) -> None:
    async with watched(tmp_path) as it:
        await until(lambda: it.watch.forecast_summary is not None)
        await asyncio.to_thread(_swap, tmp_path / "state", tmp_path / "elsewhere")
        await until(lambda: any(alert.key == "spend-watch" for alert in it.alerts.current()))
        await asyncio.to_thread(_swap, tmp_path / "state", tmp_path / "elsewhere")
        await until(lambda: not any(alert.key == "spend-watch" for alert in it.alerts.current()))


def _swap(one: Path, other: Path) -> None:
    """Exchange two folders; an absent one is made, with a ledger that is none."""
    if not other.exists():
        other.mkdir()
        (other / paths(one.parent).ledger.name).write_bytes(b"no database at all" * 100)
    spare = one.with_name("spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


async def test_old_rows_go_and_their_sums_stay(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock=clock) as ledger:
        await ledger.settle(outcome("old", attempt(), at=clock.now() - timedelta(days=100)))
        await ledger.settle(outcome("new", attempt(), at=clock.now()))
    settings = Settings(ledger=LedgerSettings(keep_days=62))
    async with watched(tmp_path, settings) as it:
        await until(lambda: it.watch.forecast_summary is not None)
        async with asyncio.timeout(20):
            while await told(tmp_path, "SELECT count(*) FROM requests WHERE id = 'old'"):
                pass
        assert await told(tmp_path, "SELECT count(*) FROM requests WHERE id = 'new'") == 1
        assert (await it.watch.review()).cost_usd > 0
    assert await told(tmp_path, "SELECT sum(requests) FROM rollups") == 2 * HOURS + 1


async def told(home: Path, sql: str) -> int:
    """The first figure that the ledger's file says."""

    def look() -> int:
        with open_read_only(paths(home).ledger) as db:
            return int(db.execute(sql).fetchone()[0])

    return await asyncio.to_thread(look)


async def test_the_forecast_of_an_empty_ledger_promises_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    async with opened(tmp_path, clock=clock) as ledger:
        spend = ledger.spend()

    def look() -> None:
        with open_read_only(paths(tmp_path).ledger) as db:
            found = forecast_summary(db, spend=spend, now=clock.now(), timezone=UTC, discount=discounts(Prices({})))
        assert (found.forecast, found.by_hour) == (None, {})

    await asyncio.to_thread(look)


async def test_a_core_reviews_its_ledger(home: Path) -> None:
    async with stand(home) as it:
        found = await it.core.review()
        assert (found.days, found.recommendations) == (30, ())
