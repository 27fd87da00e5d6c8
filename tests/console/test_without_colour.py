"""Colour says nothing alone: what differs on screen differs in its symbols and words, too."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations

import pytest
from msgspec.structs import replace

from backends.types import Alert, BudgetState, EngineState
from console.panes.header import footer
from console.panes.runtime_pane import runtime_rows
from console.panes.spend_pane import saved_share
from console.present.alert_rows import alert_counts, alerts_body
from console.present.charts import Mark, marks_row
from console.present.header_row import header, too_small
from console.present.money_rows import budget_bar
from console.present.session_rows import session_body
from console.present.spans import Row
from console.present.symbols import destination, served
from tests.console.scene import engines, incident_alerts, sessions, spend
from tests.console.scene_exchanges import NOW, exchange
from tests.console.test_panes import scene, text

LOCAL: EngineState = engines()[0]
CRITICAL, WARNING = incident_alerts()[:2]
SILENCED: Alert = replace(CRITICAL, state="silenced", silenced_until=NOW + timedelta(hours=1))
SEEN: Alert = replace(CRITICAL, state="acknowledged")
OF_ALERTS = ((CRITICAL,), (WARNING,), (SILENCED,))
BUDGET: BudgetState = spend().budgets[0]
LIMIT = BUDGET.limit_usd
ENGINES = tuple(replace(LOCAL, health=health) for health in ("up", "degraded", "down", "unknown"))
DEAR = replace(spend(), today_usd=spend().today_baseline_usd * 2)
FAILED = exchange(1, "ada", "cloud", "x", 0.1, ms=1.0, finish="error", error="it broke")


def alert_row(alert: Alert) -> Row:
    return alerts_body(scene(alerts=(alert,)), None, 120, 10, focused=False).rows[0]


def mark(symbol: str) -> Row:
    return marks_row([Mark(NOW, None, "bad", symbol)], NOW, NOW + timedelta(hours=1), 60)


def bar(spent: int, reserved: int) -> Row:
    return budget_bar(replace(BUDGET, spent_usd=LIMIT * spent / 2, reserved_usd=LIMIT * reserved / 2), 20)


def session(in_flight: int, paused: str) -> list[Row]:
    return list(session_body([replace(sessions()[0], in_flight=in_flight, paused=paused)], 0, scene(), 100, []).rows)


STATES: dict[str, Sequence[Row | list[Row]]] = {
    "alerts in the header": [header(scene(alerts=alerts), 120) for alerts in ((), *OF_ALERTS)],
    "alerts on a tiny screen": [too_small(scene(alerts=alerts), 40) for alerts in ((), *OF_ALERTS)],
    "counts of alerts": [alert_counts(scene(alerts=alerts)) for alerts in OF_ALERTS],
    "an alert": [alert_row(each) for each in (CRITICAL, replace(CRITICAL, severity="warning"), SEEN, SILENCED)],
    "incidents in the timeline": [mark(symbol) for symbol in "▲△"],
    "an engine in the header": [header(scene(engines=(each,), alerts=(), recent=()), 120) for each in ENGINES],
    "an engine": [list(runtime_rows(scene(engines=(each,), alerts=(), recent=()), 80)) for each in ENGINES],
    "who answered": [
        (served("one", "local"),),
        (served("one", "cloud"),),
        (served("cache", "local"),),
        (destination(FAILED),),
    ],
    "a budget": [bar(1, 1), bar(2, 0), bar(0, 2), bar(0, 0)],
    "what an action did": [footer((), (), 60, "done"), footer((), (), 60, "done", bad=True)],
    "what was saved": [saved_share(scene()), saved_share(scene(spend=DEAR))],
    "a session": [session(1, ""), session(0, ""), session(0, "a loop")],
}


def plain(drawn: Row | list[Row]) -> str:
    return "\n".join(map(text, drawn)) if isinstance(drawn, list) else text(drawn)


@pytest.mark.parametrize("subject", STATES)
def test_each_state_can_be_told_from_the_others_without_colour(subject: str) -> None:
    for (one, first), (other, second) in combinations(enumerate(map(plain, STATES[subject])), 2):
        assert first != second, f"states {one} and {other} look alike"
