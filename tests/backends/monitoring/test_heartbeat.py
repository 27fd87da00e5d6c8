"""The heartbeat: while the core lives it is heard, and where it is told to it says that something fails."""

import pytest

from backends.background import background
from backends.bus import Bus
from backends.clock import SystemClock
from backends.monitoring.alert_lifecycle import Alerts
from backends.monitoring.alerts import Condition
from backends.monitoring.heartbeat import below, send_heartbeats
from backends.settings.notify import Heartbeat
from tests.backends.monitoring.phone import phone
from tests.waiting import until

DOWN = Condition(key="down", when="It is down.", text="it is down")


OFTEN = 0.01


async def test_it_is_heard_while_the_core_lives_whatever_stands() -> None:
    alerts = Alerts(Bus(), SystemClock())
    alerts.show(DOWN)
    async with phone() as it:
        it.says, beats = [500, 404], Heartbeat(url_env="BEAT")
        async with background(send_heartbeats(beats, {"BEAT": f"{it.url}/uuid"}, alerts, every_s=OFTEN)):
            await until(lambda: len(it.received) >= 3)
        heard = len(it.received)
    assert {(each.method, each.path) for each in it.received} == {("GET", "/uuid")}
    assert len(it.received) == heard


async def test_with_a_fail_path_a_critical_alert_is_told_by_it() -> None:
    alerts = Alerts(Bus(), SystemClock())
    async with phone() as it:
        beats = Heartbeat(url=f"{it.url}/uuid/", fail_path="/fail", method="POST")
        async with background(send_heartbeats(beats, {}, alerts, every_s=OFTEN)):
            await until(lambda: it.received)
            alerts.show(DOWN)
            await until(lambda: it.received[-1].path == "/uuid/fail")
            alerts.silence("down", 5, "ann")
            await until(lambda: it.received[-1].path == "/uuid/")
    assert {each.method for each in it.received} == {"POST"}


async def test_without_its_address_none_is_sent_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    await send_heartbeats(Heartbeat(url_env="NO_SUCH_VARIABLE"), {}, Alerts(Bus(), SystemClock()))
    assert caplog.messages == ["no heartbeat is sent: NO_SUCH_VARIABLE is not set"]


def test_a_fail_path_stands_before_the_query_of_an_address() -> None:
    assert below("https://hc.example/ping/uuid?rid=7", "/fail") == "https://hc.example/ping/uuid/fail?rid=7"
    assert below("https://hc.example/uuid/", "/fail") == "https://hc.example/uuid/fail"
    assert below("https://hc.example", "/fail") == "https://hc.example/fail"
