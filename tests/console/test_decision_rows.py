"""Requests and agents as rows: what failed is told apart from what was answered, ages, and rows out of sight."""

from datetime import timedelta

import msgspec
import pytest

from backends.events import RequestRefused
from backends.types import AgentTraffic, Traffic
from console.panes.routing_pane import RoutingView, routing_body
from console.present.agent_rows import agent_rows
from console.present.decision_rows import agent_of, answer_shares, matching, when
from console.present.frame import DrawnRows, PaneBody, framed
from console.present.spans import Row, row
from tests.console.scene import snapshot
from tests.console.scene_exchanges import NOW
from tests.console.test_panes import replace, scene, text

BURNT = tuple(
    RequestRefused(
        at=NOW - timedelta(seconds=2 + index),
        id=f"gone-{index}",
        agent="writer",
        rule="no_engine",
        message="no engine can answer (ollama: full; cloud: 429): `claw doctor` says what to do",
        status=503 if index else 429,
    )
    for index in range(2)
)


def test_requests_that_no_engine_answered_are_rows_that_say_why() -> None:
    state = replace(scene(), refusals=BURNT)
    lines = text(list(routing_body(state, RoutingView(), 76, 12).rows)).split("\n")
    burnt = [line for line in lines if "✗ " in line]
    assert [" ".join(line.split()) for line in burnt] == ["writer 3 s ✗ ollama: full; cloud: 429"]
    assert [agent_of(each) for each in matching(state, "cloud: 429")] == ["writer"]
    failed = next(line for line in lines if line.startswith("ada"))
    assert "14 s" not in failed, "ages go in steps of five"
    assert "10 s   ✗cloud  the answer of gemini-3.5-flash-" in failed, (
        "the reason has the room of intent and difficulty"
    )


def test_the_title_counts_answers_and_failures_apart() -> None:
    busy = replace(scene(), traffic=Traffic(requests=86, local=3, cloud=1, cache=2, failed=80, refused=1))
    assert text(answer_shares(busy)) == "in 90 s  ▌local 3  ▐cloud 1  = 2  ✗ 80 failed  1 refused"
    assert text(answer_shares(scene())) == "▌local 38 %  ▐cloud 38 %  = 25 %  ✗ 10 % failed"


def test_an_agent_has_its_failures_and_what_an_operator_changed() -> None:
    one, two, three, *_ = snapshot().agents
    agents = (
        msgspec.structs.replace(one, paused=True),
        msgspec.structs.replace(two, changed=("policy",), until=NOW + timedelta(minutes=20)),
        msgspec.structs.replace(three, changed=("dial",)),
    )
    failing = Traffic(requests=4, failed=4, agents=(AgentTraffic(agent="scout", requests=4, failed=4),))
    rows = text(agent_rows(scene(agents=agents, traffic=failing), 110)).split("\n")
    head, scout, infra, script = rows[:4]
    assert scout[head.index("failed") :].split()[0] == "4"
    assert "‖ paused" in scout
    assert "local →14:23" in infra
    assert "auto changed" in script


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0 s"), (9, "9 s"), (14, "10 s"), (59, "55 s"), (60, "14:02")])
def test_the_age_of_a_request_becomes_a_time_of_day(seconds: int, shown: str) -> None:
    assert when(NOW - timedelta(seconds=seconds), NOW) == shown
    assert when(NOW - timedelta(days=2), NOW) == "22 Nov"
    assert when(NOW, None) == "14:03"


def test_rows_out_of_sight_are_not_drawn() -> None:
    drawn: list[int] = []

    def draw(item: int) -> Row:
        drawn.append(item)
        return row(f"{item}")

    rows = DrawnRows([row("head")], range(500), draw)
    assert text(rows[0]) == "head"
    assert text(rows[-1]) == "499"
    drawn.clear()
    shown, _ = framed(PaneBody(rows, fixed=1), top=200, title="x", summary=(), size=(20, 12), focused=False)
    assert drawn == list(range(200, 209))
    assert "208" in text(shown)
    with pytest.raises(IndexError):
        rows[501]
