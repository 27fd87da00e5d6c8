"""The spend pane's keys: a review of the ledger, and another limit for a budget."""

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace

from backends.errors import LedgerError
from backends.text.terminal_safe import safe
from backends.types import Forecast, ForecastSummary, SavedBy
from console.overlays.budget_limit import BudgetLimitOverlay
from console.overlays.savings import SavingsOverlay, savings
from console.panes.spend_pane import saved_share, spend_rows
from console.present.money_rows import beside_cache, saved_by
from console.present.spans import Span, width
from console.state import ViewState
from tests.console.scene import forecast_summary, review, snapshot
from tests.console.scene_exchanges import NOW
from tests.console.scripted_core import ScriptedCore
from tests.console.stage import on_stage, text_of, words_of
from tests.console.test_panes import scene as state
from tests.waiting import until


@pytest.fixture
def core() -> ScriptedCore:
    return ScriptedCore(snapshot())


async def test_savings_open_and_are_read_again(core: ScriptedCore) -> None:
    core.refusal = LedgerError("the ledger cannot be used: see `claw doctor`")
    async with on_stage(core, size=(110, 40)) as (app, pilot):
        await pilot.press("4", "v")
        await until(lambda: isinstance(app.screen, SavingsOverlay) and "see `claw doctor`" in text_of(app))
        core.reviewed = review()
        await pilot.press("r")
        await until(lambda: "writer pays gemini-2.5-pro" in text_of(app))
        assert "claw config set engines.cloud.model" in text_of(app)
        await pilot.press("v")
        await until(lambda: not isinstance(app.screen, SavingsOverlay))


async def test_a_budget_gets_another_limit(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("4", "b")
        await until(lambda: isinstance(app.screen, BudgetLimitOverlay))
        await pilot.press("x")
        await until(lambda: "'x' is not part of an amount" in text_of(app))
        await pilot.press("2", ",", "5", "0")
        await until(lambda: "$5 → $2.50" in text_of(app))
        app.guard.pasted()
        await pilot.press("enter")
        await until(lambda: "Press it again" in text_of(app))
        assert core.acted == []
        await until(app.guard.allows)
        await pilot.press("enter")
        await until(lambda: core.acted)
        (action,) = core.acted
        assert (action.verb, action.scope, action.window) == ("set-budget", "all", "day")
        assert (action.limit_usd, action.minutes) == (Decimal("2.50"), None)


async def test_a_higher_limit_is_asked_about_once_and_may_be_for_an_hour(core: ScriptedCore) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("B", "2", "5", "0", "tab")
        await until(lambda: "Raise all per day: $5 → $250 (50 ×) for an hour? y raises it" in words_of(app))
        await pilot.press("enter")
        await until(lambda: "y confirms it" in text_of(app))
        app.guard.pasted()
        await pilot.press("y")
        await until(lambda: "Press it again" in text_of(app))
        assert core.acted == []
        await until(app.guard.allows)
        await pilot.press("y")
        await until(lambda: core.acted)
    assert [(each.limit_usd, each.minutes) for each in core.acted] == [(Decimal(250), 60.0)]


@pytest.mark.parametrize("typed", ["", "1.2.3", "9999999", "1,000"])
async def test_what_is_no_amount_is_not_set(core: ScriptedCore, typed: str) -> None:
    async with on_stage(core) as (app, pilot):
        await pilot.press("4", "b", *typed, "enter")
        await pilot.pause()
        assert isinstance(app.screen, BudgetLimitOverlay)
        await pilot.press("escape")
        await until(lambda: not isinstance(app.screen, BudgetLimitOverlay))
        assert core.acted == []


@pytest.mark.parametrize("cells", [12, 40, 60, 100])
def test_no_row_of_savings_or_spend_is_wider_than_its_room(cells: int) -> None:
    rows = [*savings(review(), "", cells), *spend_rows(state(), cells)]
    assert all(width(row) <= max(cells, 60) for row in rows)


def test_parts_of_a_saving_that_are_nothing_are_left_out() -> None:
    text = "".join(span.text for row in saved_by(SavedBy(routing=Decimal(2)), "50 %", 80) for span in row)
    assert text == "saved $2.00 (50 %): routing $2.00"
    assert saved_by(SavedBy(), "50 %", 80) == []


def test_parts_that_the_month_has_left_behind_say_of_when_they_are() -> None:
    now = state()
    assert now.spend is not None

    def said(of: ViewState) -> str:
        return "\n".join("".join(span.text for span in row) for row in spend_rows(of, 80))

    assert "saved $54.11 (71 %): routing" in said(now)
    later = replace(now, spend=replace(now.spend, month_baseline_usd=now.spend.month_baseline_usd + 1))
    assert re.search(r"saved \$54\.11 \(as of \d\d:\d\d\): routing", said(later))


def test_a_month_without_a_forecast_says_when_there_will_be_one() -> None:
    young = ForecastSummary(at=NOW)
    text = "\n".join("".join(span.text for span in row) for row in spend_rows(state(forecast_summary=young), 80))
    assert "after three whole days" in text
    assert "~   $31.00" in "\n".join("".join(span.text for span in row) for row in spend_rows(state(), 80))
    assert isinstance(forecast_summary().forecast, Forecast)


def test_the_month_also_has_what_was_saved_against_a_cloud_that_caches() -> None:
    def said(of: ViewState, cells: int) -> str:
        return " ".join("".join(span.text for row in spend_rows(of, cells) for span in (*row, Span(safe(" ")))).split())

    assert "against the cloud alone with its prefix cache, $46.90: saved $24.80 (53 %)" in said(state(), 60)
    assert "all-cloud, uncached $76.21" in said(state(), 60)
    unknown = replace(forecast_summary(), month_cached_baseline_usd=None, month_saved_beside_cache_usd=None)
    assert "with its prefix cache" not in said(state(forecast_summary=unknown), 60)


def test_what_cost_more_than_the_cloud_alone_is_not_green() -> None:
    rows = beside_cache(Decimal("0.50"), Decimal("-0.25"), 100)
    assert [(span.text, span.tone) for span in rows[0] if "-$0.25" in span.text] == [("-$0.25", "warn")]
    spend = state().spend
    assert spend is not None
    more = replace(state(), spend=replace(spend, today_usd=spend.today_baseline_usd * 2))
    assert [span.tone for span in saved_share(more)] == ["dim", "warn"]
