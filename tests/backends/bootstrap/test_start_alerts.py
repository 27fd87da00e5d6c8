"""What is said when a core starts, and that it is taken back once it is no longer so."""

from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from backends.background import background
from backends.bootstrap.start_alerts import check_engines_at_start
from backends.bus import Bus
from backends.clock import ManualClock
from backends.monitoring.alert_lifecycle import Alerts
from backends.settings.model import Settings
from tests.core import stand
from tests.waiting import until

AFTER_ITS_END = datetime(2026, 12, 2, tzinfo=UTC)
"""Of gemini-2.5-flash."""


async def test_a_model_that_is_missing_at_the_start_is_an_alert_until_it_is_there(home: Path) -> None:
    async with stand(home) as it:
        behaviour = it.ollama.behaviour
        it.ollama.behaviour = replace(behaviour, models=())
        alerts = Alerts(Bus(), ManualClock())
        async with background(check_engines_at_start(it.resources, it.slots, alerts, again_s=0.01)):
            await until(alerts.current)
            assert "qwen2.5:14b" in alerts.current()[0].text + alerts.current()[0].remedy
            it.ollama.behaviour = behaviour
            await until(lambda: not alerts.current())


async def test_a_model_whose_end_is_announced_can_be_exchanged_for_its_successor_by_a_key(home: Path) -> None:
    def old(settings: Settings) -> Settings:
        cloud = replace(settings.engines["cloud"], model="gemini-2.5-flash")
        return replace(settings, engines=settings.engines | {"cloud": cloud})

    async with stand(home, change=old, clock=ManualClock(AFTER_ITS_END)) as it:
        alert = next(each for each in (await it.core.snapshot()).alerts if each.key == "model-end")
        (adopt,) = alert.choices
        assert (adopt.label, adopt.action.engine) == ("adopt gemini-3.5-flash-lite", "cloud")
        await it.core.act(adopt.action)
        after = await it.core.snapshot()
    assert "model-end" not in {each.key for each in after.alerts}
    assert {each.model for each in after.engines} >= {"gemini-3.5-flash-lite"}
