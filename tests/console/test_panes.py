"""Panes as pure text: every face, at every width, with the worst text there is."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.events import RequestRefused
from backends.text.terminal_safe import SafeText
from backends.types import (
    Alert,
    BudgetState,
    CacheEntry,
    CacheStats,
    Exchange,
    GpuReading,
    PrefixUse,
    RefusalCount,
    RuntimeReading,
    Spend,
)
from console.overlays.why import why
from console.panes.cache_pane import cache_rows, hit_share
from console.panes.header import footer, tab_at, tabs
from console.panes.routing_pane import RoutingView, routing_body
from console.panes.runtime_pane import calls_summary, runtime_rows
from console.panes.spend_pane import saved_share, spend_rows
from console.present.alert_rows import alerts_body
from console.present.decision_rows import answer_shares
from console.present.empty_states import notice, without_core
from console.present.header_row import header, too_small
from console.present.money_rows import budget_bar
from console.present.refusal_rows import refused_today
from console.present.spans import Row, fit, width
from console.state import CoreConnection, ViewState, adopt, reduce
from tests.console.hostile_text import HOSTILE
from tests.console.scene import engines, gpus, refusals, six_engines, snapshot
from tests.console.scene import spend as money
from tests.console.scene_exchanges import NOW, exchange, explained

LIVE = CoreConnection(phase="live", mode="embedded", label="this process")


def scene(**changes: Any) -> ViewState:
    return adopt(ViewState(connection=LIVE), snapshot(**changes))


def replace(state: ViewState, **changes: Any) -> ViewState:
    return msgspec.structs.replace(state, **changes)


def text(rows: list[Row] | Row) -> str:
    lines = [rows] if isinstance(rows, tuple) else rows
    return "\n".join("".join(span.text for span in line) for line in lines)


def everything(state: ViewState, cells: int) -> list[Row]:
    view = RoutingView()
    return [
        header(state, cells),
        too_small(state, cells),
        *runtime_rows(state, cells),
        calls_summary(state),
        *routing_body(state, view, cells, 40).rows,
        answer_shares(state),
        *cache_rows(state, cells),
        hit_share(state),
        *spend_rows(state, cells),
        saved_share(state),
        *alerts_body(state, None, cells, 20, focused=True).rows,
        *(line for each in state.exchanges for line in why(each, cells)),
    ]


def hostile(words: str) -> ViewState:
    """The scene with every foreign word replaced."""
    told = msgspec.structs.replace(
        explained(words, "cloud", words, 0.4, (words, words), full=True),
        model=words,
        flips=(words,),
    )
    listed = (
        Exchange(id=words, at=NOW, explanation=told),
        exchange(7, words, "cloud", words, 0.5, ms=1.0, error=words, finish="error"),
    )
    gpu = gpus().gpus[0]
    return scene(
        recent=listed,
        agents=(msgspec.structs.replace(snapshot().agents[0], name=words),),
        engines=tuple(
            msgspec.structs.replace(engine, label=words, detail=words, health="down", waiting_by_agent={words: 2})
            for engine in engines()
        ),
        gpu=GpuReading(at=NOW, state="failed", detail=words, gpus=(msgspec.structs.replace(gpu, name=words),)),
        runtimes={"local": RuntimeReading(at=NOW, reachable=False, detail=words)},
        alerts=(Alert(key="x", id="x", since=NOW, severity="critical", text=words, remedy=words),),
        cache=CacheStats(
            lookups=1,
            semantic="failed",
            semantic_detail=words,
            top=(CacheEntry(agent=words, intent=words, hits=1, age_s=1, bytes=1),),
            near_misses=(words,),
        ),
    )


@pytest.mark.parametrize("cells", [1, 2, 5, 11, 20, 38, 56, 76, 111, 200])
def test_every_row_can_be_made_exactly_as_wide(cells: int) -> None:
    for line in everything(scene(), cells):
        assert width(fit(line, cells)) == cells


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)), st.sampled_from([12, 40, 76, 130]))
def test_foreign_text_is_safe_and_keeps_the_grid(words: str, cells: int) -> None:
    for line in everything(hostile(words), cells):
        assert all(isinstance(span.text, SafeText) for span in line)
        fitted = fit(line, cells)
        assert width(fitted) == cells
        assert "\x1b" not in text(fitted)


@pytest.mark.parametrize("cells", [20, 59, 60, 80, 110, 200])
def test_the_header_always_answers_its_three_questions(cells: int) -> None:
    line = text(header(scene(rehearsal=True, cloud_stopped=True), cells))
    assert len(line) == cells
    assert "△1" in line
    assert "$1.42" in line
    if cells >= 59:
        assert "●" in line
        assert "◐" in line
        assert "REH" in line
        assert "STOP" in line


@pytest.mark.parametrize("cells", [20, 40, 60, 80, 120, 200])
def test_the_header_has_room_for_any_number_of_engines(cells: int) -> None:
    for number in (3, 6, 40):
        many = tuple(
            msgspec.structs.replace(six_engines()[index % 6], name=f"engine-{index}") for index in range(number)
        )
        line = header(scene(engines=many), cells)
        assert width(line) == cells
        assert "$1.42" in text(line)
        if cells >= 40 and number == 40:
            assert "○ ▐engine-" in text(line), "an engine that is down comes before one that is up"
            assert "+" in text(line)


def test_names_in_the_header_are_cut() -> None:
    assert "● ▌gpu-cluster…" in text(header(scene(engines=six_engines()), 160))


def test_the_header_says_when_the_core_is_away() -> None:
    lost = replace(scene(), connection=CoreConnection(phase="lost", since=NOW))
    assert "CORE LOST 14:03:12, RECONNECTING" in text(header(lost, 120))
    assert "NO CORE" in text(header(ViewState(connection=CoreConnection(phase="failed", line="x")), 120))
    assert "Opening" in text(header(ViewState(), 120))
    assert "No engine" in text(header(scene(engines=()), 120))


def test_without_a_budget_the_header_gives_the_spend_alone() -> None:
    state = replace(scene(), spend=msgspec.structs.replace(money(), budgets=()))
    assert "$1.42 today" in text(header(state, 120))
    for other in (_budget(window="month"), _budget(scope="agent:ada")):
        state = replace(scene(), spend=msgspec.structs.replace(money(), budgets=(other,)))
        assert "$1.42 today" in text(header(state, 120)), "no other budget's limit stands beside the day's cost"


@pytest.mark.parametrize("cells", [40, 80, 120])
def test_the_header_gives_what_the_days_budget_was_charged(cells: int) -> None:
    budgets = (_budget(window="month", limit_usd=Decimal(90)), _budget(spent_usd=Decimal("3.18")))
    line = text(header(replace(scene(), spend=msgspec.structs.replace(money(), budgets=budgets)), cells))
    assert "$3.18/$5" in line
    assert "$1.42" not in line


def _budget(**changes: Any) -> BudgetState:
    return msgspec.structs.replace(money().budgets[0], **changes)


def test_a_budget_of_nothing_is_a_full_bar() -> None:
    assert text(budget_bar(_budget(limit_usd=Decimal(0)), 5)) == "━━━━━"


def test_tabs_shrink_to_numbers_and_can_be_clicked() -> None:
    titles = ((1, "Runtime"), (2, "Routing"))
    assert "1 Runtime  2 Routing" in text(tabs(titles, 1, 80))
    assert text(tabs(titles, 2, 20)).strip() == "1  2 Routing"
    assert tab_at(titles, 1, 80, 2) == 1
    assert tab_at(titles, 1, 80, 13) == 2
    assert tab_at(titles, 1, 80, 70) is None


def test_the_footer_keeps_the_keys_of_everywhere() -> None:
    line = text(footer((("enter", "why"), ("p", "pin agent")), (("?", "help"),), 24))
    assert "? help" in line
    assert "enter why" in line
    assert "pin" not in line
    said = text(footer((), (("?", "help"),), 40, "cloud is stopped"))
    assert "cloud is stopped" in said


def test_the_cache_has_all_its_faces() -> None:
    assert "Loading" in text(cache_rows(replace(scene(), cache=None), 60))
    fresh = text(cache_rows(replace(scene(), cache=CacheStats(semantic="failed", semantic_detail="install it")), 60))
    assert "Nothing cached yet" in fresh
    assert "○ failed" in fresh
    assert "install it" in fresh
    full = text(cache_rows(scene(), 60))
    assert "exact 289" in full
    assert "112×" in full
    assert "near misses" in full
    assert "in memory 3.0 MB" in full
    assert "saved    $0.61  prefix $0.02" in full
    assert "2.0 %  0.4 to 10.5 % of 50 checked  2 complaints" in full
    assert "all-MiniLM-L6-v2, 1,180 vectors" in full
    assert "5f0c1e77a2b4" in full
    unmeasured = CacheStats(lookups=9, semantic="on", embedder="all-MiniLM-L6-v2")
    assert "–  no semantic hit checked yet" in text(cache_rows(replace(scene(), cache=unmeasured), 60))
    assert "32 %" in text(hit_share(scene()))
    assert hit_share(replace(scene(), cache=None)) == ()


def test_the_spend_has_all_its_faces() -> None:
    assert "Loading" in text(spend_rows(replace(scene(), spend=None), 60))
    assert saved_share(replace(scene(), spend=None)) == ()
    bare = Spend(
        today_usd=Decimal(0),
        today_baseline_usd=Decimal(0),
        month_usd=Decimal(1),
        month_baseline_usd=Decimal(1),
        today_requests=1,
    )
    empty = text(spend_rows(replace(scene(), spend=bare), 70))
    assert "No requests yet today" in empty
    assert "No budget is set" in empty
    assert "nothing saved" in empty
    full = text(spend_rows(scene(), 76))
    assert "$0.31 reserved" in full
    assert "$3.27 left" in full
    assert "then local only" in full
    assert "saved 71 %" in text(saved_share(scene()))
    assert "whose bill is unknown" not in full


def _spent(budget: BudgetState, cells: int) -> str:
    told = msgspec.structs.replace(money(), today_usd=Decimal("0.04"), month_usd=Decimal("2.10"), budgets=(budget,))
    return text(spend_rows(replace(scene(), spend=told), cells))


@pytest.mark.parametrize(("window", "held"), [("day", "$3.14"), ("month", "$1.08")])
def test_the_spend_says_what_of_a_budget_is_held_for_unknown_bills(window: str, held: str) -> None:
    budget = _budget(spent_usd=Decimal("3.18"), window=window)
    drawn = _spent(budget, 76)
    assert f"━ $3.18 spent, {held} of it for calls whose bill is unknown\n╍ $0.31 reserved" in drawn
    assert "then local only" in drawn
    assert "$0.04" in drawn
    assert f"━ $3.18 spent, {held} of it for calls\n  whose bill is unknown\n╍" in _spent(budget, 38)


@pytest.mark.parametrize("changes", [{"scope": "agent:ada"}, {"window": "week"}, {"spent_usd": Decimal("0.04")}])
def test_nothing_is_said_to_be_held_where_the_cost_of_the_window_is_not_known(changes: dict[str, Any]) -> None:
    assert "whose bill is unknown" not in _spent(_budget(**{"spent_usd": Decimal("3.18"), **changes}), 76)


def test_the_worst_alerts_come_first_and_say_what_to_do() -> None:
    older = Alert(key="old", id="old", since=NOW - timedelta(hours=1), severity="critical", text="older")
    drawn = text(list(alerts_body(scene(alerts=(older, *snapshot().alerts)), None, 80, 20, focused=False).rows))
    assert drawn.index("older") < drawn.index("429"), "a critical one comes before a warning"
    assert "S stops cloud spend" in drawn
    assert "No alerts." in text(list(alerts_body(scene(alerts=()), None, 80, 20, focused=True).rows))
    assert "No alerts." in text(list(alerts_body(scene(alerts=()), None, 30, 20, focused=True).rows))


def test_faces_stand_in_for_what_is_not_there() -> None:
    assert without_core(LIVE, 40) is None
    assert "Loading" in text(without_core(CoreConnection(), 40) or [])
    assert "restart it" in text(without_core(CoreConnection(phase="failed", line="restart it"), 40) or [])
    assert "do this" in text(notice("head", "do this", 40))


def test_a_tiny_screen_is_honest() -> None:
    assert text(too_small(scene(rehearsal=True), 30)).startswith("●◐ △1 REH needs 40×10")
    assert text(too_small(ViewState(), 20)).startswith("needs 40×10")


def test_the_cache_has_its_prefix_tier_by_agent_and_says_what_is_not_known() -> None:
    drawn = text(cache_rows(scene(), 80))
    assert "prefix    97 % of 1.2M input tokens today; 48k not known" in drawn
    assert "writer 98 %  coding 94 %" in drawn
    assert "writer 98 %" not in text(cache_rows(scene(), 56)), "a pane beside others has no room for that"
    assert text(hit_share(scene())) == "hit 32 %  prefix 97 %"


def test_a_prefix_share_that_no_engine_tells_is_unknown_and_not_zero() -> None:
    unknown = scene(cache=CacheStats(lookups=3, prefix=PrefixUse(unknown_tokens=5_000)))
    assert "prefix       – of today's input; 5k not known" in text(cache_rows(unknown, 80))
    assert text(hit_share(unknown)) == "hit 0 %"
    known = scene(cache=CacheStats(prefix=PrefixUse(known_tokens=5_000)))
    assert "prefix     0 % of 5k input tokens" in text(cache_rows(known, 80))
    assert text(hit_share(known)) == "prefix 0 %"


def test_refused_requests_stand_apart_from_the_shares_of_answers() -> None:
    state = scene(refusals=refusals())
    assert text(answer_shares(state)) == text(answer_shares(scene()))
    drawn = text(list(routing_body(state, RoutingView(), 76, 10).rows))
    assert "✗ no engine today 1  refused today 19  scout too long 14  and 3 more" in drawn
    wide = text(list(routing_body(state, RoutingView(agents=True), 130, 10).rows))
    assert "scout too long 14  writer budget 3  sherlock paused 2  infra no engine 1" in wide
    head, scout = wide.split("\n")[:2]
    assert scout[head.index("refused") :].split()[0] == "14"


def test_refused_requests_have_a_place_before_any_is_answered() -> None:
    drawn = text(list(routing_body(scene(recent=(), refusals=refusals()), RoutingView(), 76, 10).rows))
    assert "✗ no engine today 1  refused today 19" in drawn
    assert "No requests yet" in drawn


@given(st.lists(st.tuples(st.text(max_size=14), st.text(max_size=30), st.integers(1, 10**9)), max_size=12))
def test_the_line_of_refusals_fits_and_counts_all(found: list[tuple[str, str, int]]) -> None:
    counts = tuple(RefusalCount(agent=a, reason=r, count=n, last_at=NOW) for a, r, n in found)
    for last in (False, True):
        rows = refused_today(scene(refusals=counts), 76, last=last)
        assert len(rows) == bool(counts)
        assert all(width(line) <= 76 for line in rows)
        assert not counts or f"{sum(each.count for each in counts):,}" in text(rows)


def test_the_last_refusal_says_what_its_client_was_told_as_soon_as_it_is_heard_of() -> None:
    earlier = RefusalCount(agent="ada", reason="budget", count=1, last_at=NOW, message="spent")
    state = scene(refusals=(earlier,))
    assert "ada: spent" in text(refused_today(state, 76, last=True))
    later = RequestRefused(
        at=NOW + timedelta(seconds=1),
        id="x",
        agent="scout",
        rule="no_engine",
        message="the queue is full" + " now" * 40,
    )
    rows = refused_today(reduce(state, later), 76, last=True)
    assert "scout: the queue is full" in text(rows)
    assert all(width(line) <= 76 for line in rows)
    assert "scout: the queue" in text(refused_today(reduce(scene(), later), 76, last=True)), "before the first count"
