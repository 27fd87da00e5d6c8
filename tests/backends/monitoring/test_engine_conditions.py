"""What is wrong with an engine: each condition by what was observed of it, without time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.engines.ollama import OllamaClient
from backends.errors import EngineError, EngineErrorKind, QuotaHit
from backends.monitoring.alerts import QUEUE_FILLING, QUEUE_LATE
from backends.monitoring.engine_conditions import ObservedEngine, engine_conditions, lacking, observed
from backends.monitoring.watch import Holding
from backends.settings.agents import Agent
from backends.settings.alert_limits import AlertLimits
from backends.settings.engines import OllamaSettings
from backends.settings.model import Settings
from backends.types import EngineState, RuntimeReading, Zone
from backends.upstream.engine_slot import EngineSlot, Label

LIMITS = AlertLimits()
SECRET = "Quota exceeded for quota metric 'Generate requests' " * 40


def slot(clock: ManualClock, *, zone: Zone = "cloud", addresses: int = 1) -> EngineSlot:
    settings = OllamaSettings(replicas=tuple(f"http://127.0.0.1:{port}" for port in range(2, 1 + addresses)))
    clients = [OllamaClient("small", settings, base_url=address) for address in settings.addresses]
    return EngineSlot("small", clients, settings, zone=zone, label=Label(text="m"), clock=clock)


def found(it: EngineSlot, clock: ManualClock, *standing: str) -> list[Holding]:
    return list(engine_conditions(observed(it, LIMITS, clock), LIMITS, set(standing)))


def text(holding: Holding) -> str:
    return holding.condition.text.format(**holding.fields)


@pytest.mark.parametrize(
    ("error", "key", "line"),
    [
        (
            EngineError(
                f"Gemini limits the rate ({SECRET}): wait",
                kind="rate-limited",
                status=429,
                retry_after_s=36.0,
                quota=QuotaHit(window="minute", limit=10),
            ),
            "engine:small:minute",
            "small: 429, minute quota 10/min",
        ),
        (
            EngineError("spent", kind="daily-quota", status=429, quota=QuotaHit(window="day", limit=250)),
            "engine:small:day",
            "small: 429, day quota 250/day used up",
        ),
        (EngineError(f"no ({SECRET}): x", kind="key", status=403), "engine:small:key", "small: 403, key refused"),
        (EngineError(f"x ({SECRET}): y", kind="unavailable", status=503), "engine:small", "small: 503, unavailable"),
        (
            EngineError("Ollama at http://127.0.0.1:1 refused the connection: start it", kind="unavailable"),
            "engine:small",
            "small: Ollama at http://127.0.0.1:1 refused the connection",
        ),
    ],
)
def test_each_cause_has_its_own_alert_and_our_line_with_the_providers_words_beside(
    error: EngineError, key: str, line: str
) -> None:
    clock = ManualClock(datetime(2026, 1, 15, 12, tzinfo=UTC))
    it = slot(clock)
    began = clock.now()
    clock.advance(60)
    for _ in range(3):
        it.breaker.failed(error, took_s=60)
    (holding,) = found(it, clock)
    assert (holding.key, text(holding), holding.since) == (key, line, began)
    assert "Quota exceeded" not in text(holding) + it.state().detail + (it.why_not() or "")
    assert len(holding.detail) <= 600
    assert holding.retry_at is not None
    assert holding.retry_at > clock.now()
    it.breaker.answered()
    assert found(it, clock) == []


def test_an_address_of_several_is_an_alert_of_its_own() -> None:
    clock = ManualClock()
    it = slot(clock, addresses=3)
    for _ in range(3):
        next(iter(it.replicas)).breaker.failed(EngineError("nobody listens: start it", kind="unavailable"))
    (holding,) = found(it, clock)
    assert (holding.key, text(holding)) == ("engine:small:replicas", "small: 1 of 3 addresses do not answer")
    for replica in it.replicas:
        for _ in range(3):
            replica.breaker.failed(EngineError("nobody listens: start it", kind="unavailable"))
    assert [each.key for each in found(it, clock)] == ["engine:small"]


def test_one_that_says_itself_that_it_is_down_is_down_before_any_call() -> None:
    clock = ManualClock()
    it = slot(clock, zone="local")
    it.observe([RuntimeReading(at=clock.now(), reachable=False, detail="Ollama refuses the connection")])
    (holding,) = found(it, clock)
    assert (holding.key, holding.touches and holding.touches.detour) == ("engine:small", True)


def test_a_model_that_is_not_served_is_one_alert_each_until_it_answers() -> None:
    clock = ManualClock()
    it = slot(clock)
    for model in ("a", "b", "a"):
        it.refused_model(model, "not found")
    assert [each.key for each in found(it, clock)] == ["engine:small:model:a", "engine:small:model:b"]
    it.answered("a")
    assert [each.key for each in found(it, clock)] == ["engine:small:model:b"]


@given(usual=st.floats(0.05, 30), waited=st.floats(0, 200))
def test_a_call_is_silent_beyond_its_engines_usual_time(usual: float, waited: float) -> None:
    clock, patience_s = ManualClock(), max(LIMITS.silent_s, LIMITS.silent_times * usual)
    assume(abs(waited - patience_s) > 1e-3)
    it = slot(clock)
    for _ in range(5):
        call = it.first_bytes.sent("ada", clock.monotonic(), None)
        it.first_bytes.heard(call, call.since + usual)
        it.first_bytes.gone(call)
    sent_at = clock.now()
    it.first_bytes.sent("bo", clock.monotonic(), None)
    clock.advance(waited)
    silent = [each for each in found(it, clock) if each.key == "engine:small:silent"]
    assert bool(silent) == (waited > patience_s)
    assert all(abs((each.since - sent_at).total_seconds()) < 1e-3 for each in silent if each.since)
    assert it.state().silent_s == pytest.approx(waited)


def test_of_a_long_prompt_more_patience_is_had_and_of_an_unknown_engine_too() -> None:
    clock = ManualClock()
    it = slot(clock)
    it.first_bytes.sent("bo", clock.monotonic(), 10.0)
    clock.advance(39)
    assert found(it, clock) == []
    clock.advance(2)
    assert [each.key for each in found(it, clock)] == ["engine:small:silent"]


def test_a_call_that_stalls_in_the_middle_of_its_answer_is_silent_too() -> None:
    clock = ManualClock()
    it = slot(clock)
    call = it.first_bytes.sent("bo", clock.monotonic(), None)
    for _ in range(30):
        clock.advance(1)
        it.first_bytes.heard(call, clock.monotonic())
    last = clock.now()
    clock.advance(19)
    assert found(it, clock) == []
    clock.advance(2)
    (holding,) = found(it, clock)
    assert (holding.key, holding.since, holding.kept_waiting) == ("engine:small:silent", last, ("bo",))
    it.first_bytes.gone(call)
    assert found(it, clock) == []


def test_an_engine_is_slow_when_its_last_calls_take_several_times_as_long_as_usual() -> None:
    clock = ManualClock()
    it = slot(clock)

    def calls(count: int, seconds: float) -> None:
        for _ in range(count):
            call = it.first_bytes.sent("ada", clock.monotonic(), None)
            clock.advance(seconds)
            it.first_bytes.heard(call, clock.monotonic())
            it.first_bytes.gone(call)

    calls(50, 0.5)
    assert found(it, clock) == []
    began = clock.now()
    calls(3, 2.0)
    (holding,) = found(it, clock)
    assert holding.since == began
    assert (holding.key, text(holding)) == (
        "engine:small:slow",
        "small: first token after 2.0 s, usually within 0.5 s",
    )
    calls(30, 2.0)
    assert len(found(it, clock)) == 1  # it does not become usual in half a minute
    calls(5, 0.5)
    assert found(it, clock) == []
    clock.advance(61)
    calls(4, 9.0)
    assert found(it, clock) == []  # too few in the last minute


def a_queue(**fields: Any) -> ObservedEngine:
    state = EngineState(name="small", zone="local", kind="ollama", model="m", label="m", **fields)
    return ObservedEngine(name="small", zone="local", state=state, queue_limit=40)


def test_a_queue_that_callers_will_not_outwait_says_how_many_and_what_can_be_done() -> None:
    it = a_queue(waiting=28, waiting_by_agent={"ada": 3, "bo": 25}, will_miss=28, predicted_wait_s=780.0)
    (late,) = engine_conditions(it, LIMITS, set())
    assert (late.condition, late.effect) == (QUEUE_LATE, "28 will miss their deadline")
    assert text(late) == "small: 28 waiting, a new one for about 13 min"
    assert [choice.label for choice in late.choices] == ["drain small", "cancel bo's"]


def test_a_queue_offers_to_pin_who_waits_most_to_an_engine_that_is_free() -> None:
    it = a_queue(waiting=28, waiting_by_agent={"ada": 3, "bo": 25}, will_miss=28)
    cloud = replace(it, name="cloud", zone="cloud", state=replace(it.state, name="cloud", waiting=0, health="up"))
    away = [
        replace(cloud, name=name, state=replace(cloud.state, **changed))
        for name, changed in (("a", {"health": "down"}), ("b", {"draining": True}), ("c", {"stopped": True}))
    ]
    (late,) = engine_conditions(it, LIMITS, set(), [it, *away, cloud])
    assert [choice.label for choice in late.choices] == ["drain small", "pin bo to cloud", "cancel bo's"]
    pin = late.choices[1].action
    assert (pin.verb, pin.agent, pin.engine) == ("pin", "bo", "cloud")
    (late,) = engine_conditions(it, LIMITS, set(), [it, *away])
    assert len(late.choices) == 2, "nobody is sent to an engine that cannot answer"


def test_a_queue_is_filling_from_its_share_on_and_ends_clearly_below_it() -> None:
    for waiting, standing, holds in (
        (31, (), False),
        (32, (), True),
        (29, ("queue:small:filling",), True),
        (28, (), False),
    ):
        it = a_queue(waiting=waiting)
        assert [each.condition for each in engine_conditions(it, LIMITS, standing)] == [QUEUE_FILLING] * holds


KINDS: list[EngineErrorKind] = ["busy", "timeout", "cut", "empty", "protocol", "rejected", "context", "model"]


@pytest.mark.parametrize("kind", KINDS)
@given(words=st.text(max_size=400))
def test_a_short_line_of_a_status_never_has_the_providers_words(kind: EngineErrorKind, words: str) -> None:
    error = EngineError(f"{words} secret-word ({words})", kind=kind, status=500)
    assert error.short.startswith("500, ")
    assert "secret-word" not in error.short
    assert len(EngineError(words, kind=kind).short) <= 80


def test_an_engine_without_a_key_is_said_to_be_not_called_where_an_agent_may_use_it() -> None:
    clock = ManualClock()
    it = slot(clock)
    it.missing = "no key for small: set SMALL_KEY"
    asked = Settings(agents={"ada": Agent(policy="auto"), "bo": Agent(policy="local")})
    (holding,) = lacking([it], asked)
    assert (holding.key, text(holding)) == ("engine:small:lacks", "small is not called: no key for small")
    assert holding.condition.remedy.format(**holding.fields).startswith("set SMALL_KEY;")
    assert list(lacking([it], Settings(agents={"bo": Agent(policy="local")}))) == []
    assert list(lacking([it], Settings(agents={"ada": Agent(policy="cloud", engines=("cloud",))}))) == []
    it.missing = ""
    assert list(lacking([it], asked)) == []
