"""What is said when a core starts, and that it is taken back once it is no longer so."""

from pathlib import Path

from msgspec.structs import replace

from backends.background import background
from backends.bootstrap.start_alerts import check_engines_at_start
from backends.bus import Bus
from backends.clock import ManualClock
from backends.monitoring.alert_lifecycle import Alerts
from tests.core import stand
from tests.waiting import until


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
