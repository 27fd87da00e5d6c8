"""The header tells the truth in an incident, at every width: engines, failures, alerts, money, flags and time."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.text.times import clock
from backends.types import EngineState, Traffic
from console.present.engine_health import engine_health, short_reason
from console.present.header_row import failed_share, header, too_small
from console.present.spans import width
from tests.console.scene import engines, six_engines, snapshot
from tests.console.scene_exchanges import NOW
from tests.console.test_panes import replace, scene, text

LOCAL, CLOUD = engines()
FULL = msgspec.structs.replace(LOCAL, waiting=28, will_miss=28, predicted_wait_s=780.0)
LIMITED = msgspec.structs.replace(
    CLOUD, health="down", detail="429 RESOURCE_EXHAUSTED: Quota exceeded", since=NOW - timedelta(seconds=47)
)
ALERT = snapshot().alerts[0]
BURNING: dict[str, Any] = {"engines": (FULL, LIMITED), "traffic": Traffic(requests=80, failed=80)}


def test_an_incident_is_told_in_one_row() -> None:
    line = text(header(scene(**BURNING), 120))
    assert "◐ local 28 waiting · 13 min" in line
    assert "○ cloud 429 · 47 s" in line
    assert "✗ 100 % failed (80 in 90 s)" in line
    assert "$1.42/$5" in line
    assert "△1 13:58" in line
    assert "14:03:12" in line, "seconds while something is wrong"


def test_the_narrow_header_keeps_what_is_wrong() -> None:
    line = text(header(scene(**BURNING), 80))
    for words in ("◐ local 28 waiting · 13 min", "○ cloud 429 · 47 s", "✗ 100 %", "△1", "$1.42", "14:03:12"):
        assert words in line


def test_the_clock_counts_minutes_while_all_is_well() -> None:
    line = text(header(scene(alerts=()), 120))
    assert "14:03 " in line
    assert "14:03:12" not in line


@pytest.mark.parametrize(
    ("engine", "symbol", "words"),
    [
        (LOCAL, "●", ""),
        (FULL, "◐", "28 waiting · 13 min"),
        (LIMITED, "○", "429 · 47 s"),
        (CLOUD, "◐", "429 · 1 m"),
        (msgspec.structs.replace(LOCAL, draining=True), "◐", "draining, 2 left"),
        (msgspec.structs.replace(LOCAL, draining=True, in_flight=0), "◐", "drained"),
        (msgspec.structs.replace(LOCAL, stopped=True), "○", "stopped"),
        (msgspec.structs.replace(LOCAL, health="down", detail=""), "○", "down"),
        (msgspec.structs.replace(LOCAL, health="unknown"), "–", ""),
    ],
)
def test_only_an_engine_that_is_well_is_green(engine: EngineState, symbol: str, words: str) -> None:
    known = engine_health(engine, scene(engines=(engine,), recent=()))
    assert (known.symbol.text, known.told(NOW)) == (symbol, words)
    assert (known.symbol.tone == "good") == (symbol == "●")


def test_an_engine_whose_calls_fail_is_not_green_until_one_is_answered() -> None:
    failing = msgspec.structs.replace(LOCAL, failing_since=NOW - timedelta(hours=2), health="degraded", detail="empty")
    assert engine_health(failing, scene()).told(NOW) == "calls fail · 2 h"
    timed_out = msgspec.structs.replace(failing, detail="the call timed out after 30 s")
    assert engine_health(timed_out, scene()).words == "timeout"


def test_a_share_of_failures_leaves_out_what_was_not_to_be_answered() -> None:
    assert failed_share(Traffic(requests=20, failed=2, local=5, cloud=2, cache=1, refused=5, cancelled=5)) == "20 %"


@pytest.mark.parametrize(
    ("detail", "short"),
    [
        ("429 from the provider, limited for 36 s", "429"),
        ("Ollama does not answer: start it", "no answer"),
        ("OPENROUTER_API_KEY is not set: set it", "no key"),
        ("the call timed out after 30 s", "timeout"),
        ("something else of 4711 words", ""),
    ],
)
def test_a_providers_text_becomes_a_word(detail: str, short: str) -> None:
    assert short_reason(detail) == short


def test_the_header_says_what_is_not_normal() -> None:
    past = replace(scene(gateway="127.0.0.1:8787"), past=True, live_at=NOW + timedelta(minutes=41, seconds=20))
    assert f"PAST {clock(NOW, minutes=True)} (−41 min)" in text(header(past, 120))
    assert f" PAST {clock(NOW, minutes=True)} −41 m " in text(header(past, 50))
    burning = replace(past, **{**BURNING, "rehearsal": True})
    assert f" PAST {clock(NOW, minutes=True)} −41 m " in text(header(burning, 80)), "also where much is wrong"
    served = scene(gateway="127.0.0.1:8787")
    assert "embedded · agents call 127.0.0.1:8787" in text(header(served, 200))
    assert "embedded " in text(header(served, 130))
    silenced = msgspec.structs.replace(ALERT, state="silenced")
    assert "since" not in text(header(scene(alerts=(silenced,)), 160))
    assert "✗ 100 %" in text(too_small(scene(**BURNING), 30))


def test_an_engine_is_not_well_while_an_alert_about_it_stands() -> None:
    silent = msgspec.structs.replace(ALERT, key="engine:local:silent", since=NOW - timedelta(seconds=67))
    waits = msgspec.structs.replace(ALERT, key="queue:local", since=NOW - timedelta(seconds=30))
    other = msgspec.structs.replace(ALERT, key="engine:local-2:silent")
    assert engine_health(LOCAL, scene(alerts=(waits, silent))).told(NOW) == "silent · 1 m"
    assert engine_health(LOCAL, scene(alerts=(other,))).health == "up"
    down = msgspec.structs.replace(LIMITED, since=NOW)
    long_ago = msgspec.structs.replace(ALERT, key="engine:cloud:minute", since=NOW - timedelta(minutes=5))
    known = engine_health(down, scene(alerts=(long_ago,)))
    assert known.told(NOW) == "429 · 5 m", "another attempt that fails is no new onset"


SICK = st.builds(
    lambda base, waiting, misses, wait, health, detail: msgspec.structs.replace(
        base, waiting=waiting, will_miss=misses, predicted_wait_s=wait, health=health, detail=detail
    ),
    st.sampled_from(six_engines()),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.none() | st.floats(0, 10**6),
    st.sampled_from(("up", "down", "degraded", "unknown")),
    st.text(max_size=40),
)


@given(st.lists(SICK, max_size=8), st.integers(1, 220), st.integers(0, 10**6), st.booleans())
def test_the_header_has_exactly_its_cells_and_no_failure_is_left_out(
    some: list[EngineState], cells: int, failures: int, rehearsal: bool
) -> None:
    named = tuple(msgspec.structs.replace(each, name=f"{each.name}{index}") for index, each in enumerate(some))
    state = scene(engines=named, traffic=Traffic(requests=failures, failed=failures), rehearsal=rehearsal)
    line = header(state, cells)
    assert width(line) == cells
    if cells >= 24:
        assert "△1" in text(line)
        assert ("✗" in text(line)) == bool(failures)
