from datetime import UTC, datetime

import pytest

from backends.clock import ManualClock
from backends.engines.ollama import OllamaClient
from backends.errors import EngineError
from backends.settings.engines import OllamaSettings
from backends.types import RuntimeReading
from backends.upstream.circuit_breaker import FAILURES
from backends.upstream.engine_slot import EngineSlot, Label


def slot(clock: ManualClock | None = None) -> EngineSlot:
    settings = OllamaSettings(parallel=2)
    return EngineSlot(
        "local",
        (OllamaClient("local", settings),),
        settings,
        zone="local",
        label=Label(text="qwen"),
        clock=clock or ManualClock(),
    )


def reading(*, reachable: bool, waiting: int | None = None) -> RuntimeReading:
    detail = "" if reachable else "nobody listens"
    return RuntimeReading(at=datetime(2026, 1, 1, tzinfo=UTC), reachable=reachable, detail=detail, waiting=waiting)


def test_an_engine_never_heard_of_is_unknown() -> None:
    assert slot().state().health == "unknown"


def test_what_an_engine_says_of_itself_counts_before_the_first_call() -> None:
    it = slot()
    it.observe([reading(reachable=False)])
    assert (it.state().health, it.state().detail) == ("down", "nobody listens")
    it.observe([reading(reachable=True)])
    assert it.state().health == "up"


def test_what_its_calls_met_outranks_what_it_says() -> None:
    it = slot()
    it.observe([reading(reachable=True)])
    it.breaker.failed(EngineError("it answers, but not to calls: restart it", kind="timeout"))
    assert it.state().health == "degraded"


def test_one_that_is_back_may_be_asked_at_once() -> None:
    it = slot()
    it.observe([reading(reachable=False)])
    for _ in range(FAILURES):
        it.breaker.failed(EngineError("nobody listens: start it", kind="unavailable"))
    assert it.why_not() == "nobody listens"
    it.observe([reading(reachable=True)])
    assert it.why_not() is None


def test_an_address_that_is_excluded_degrades_the_engine_and_the_last_one_ends_it() -> None:
    settings = OllamaSettings(replicas=("http://127.0.0.1:2",))
    clients = [OllamaClient("gpu", settings, base_url=address) for address in settings.addresses]
    it = EngineSlot("gpu", clients, settings, zone="local", label=Label(text="qwen"), clock=ManualClock())
    changes: list[None] = []
    it.changed = lambda: changes.append(None)
    it.exclude(1, "another build")
    assert (it.state().health, "another build" in it.state().detail, it.why_not()) == ("degraded", True, None)
    it.exclude(0, "another build")
    assert it.state().health == "down"
    assert it.why_not() == "another build"
    assert len(changes) == 2


def test_what_is_missing_is_said_before_any_call() -> None:
    it = slot()
    it.missing = "no Gemini key: set GEMINI_API_KEY"
    assert it.why_not() == it.state().detail == "no Gemini key: set GEMINI_API_KEY"
    assert it.state().health == "down"


def test_the_engines_own_queue_stands_before_a_newcomer() -> None:
    it = slot()
    it.throughput.record(intent="chat", output=100, first_token_s=0.5, total_s=4.0)
    assert it.wait_s() == 0.0
    it.observe([reading(reachable=True, waiting=3)])
    assert it.wait_s() == 8.0
    assert it.state().reported_waiting == 3


@pytest.mark.proves("L1")
def test_a_lost_place_shows() -> None:
    it = slot()
    it.observe([reading(reachable=True)])
    it.limiter.busy()
    assert (it.state().health, it.state().detail) == ("degraded", "busy, 1 of 2 at once")


def test_watchers_are_told_of_changes_only() -> None:
    it = slot()
    told: list[int] = []
    it.changed = lambda: told.append(1)
    for _ in range(3):
        it.observe([reading(reachable=True)])
    assert len(told) == 1


def test_one_failed_call_is_not_forgotten_before_the_next_good_answer() -> None:
    clock = ManualClock()
    it = slot(clock)
    it.observe([reading(reachable=True)])
    it.failed(EngineError("the prompt is refused", kind="rejected", status=400), took_s=1)
    assert it.state().failing_since is None, "that is the request's own fault"
    began = clock.now()
    clock.advance(3)
    it.failed(EngineError("full: send fewer", kind="busy", status=503), took_s=3)
    clock.advance(7200)
    assert (it.state().health, it.state().failing_since, it.state().detail) == ("degraded", began, "503, full")
    it.answered("qwen2.5:14b")
    assert it.state().failing_since is None


def test_what_is_forgotten_says_nothing_any_more() -> None:
    it = slot()
    it.observe([reading(reachable=True)])
    assert not it.forget_failures()
    it.failed(EngineError("full: send fewer", kind="busy"), took_s=0)
    assert (it.state().health, it.state().parallel) == ("degraded", 1)
    assert it.forget_failures()
    assert (it.state().health, it.state().parallel, it.full_since()) == ("up", 2, None)
