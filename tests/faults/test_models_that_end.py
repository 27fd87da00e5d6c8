"""A provider answers with another model than was asked for: what it is booked as, and what the operator is told."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from backends.finops.focus import focus_csv
from backends.finops.spend_report import SpendReport, report
from backends.ledger.prices import Prices
from backends.ledger.sqlite_connection import connect_read_only
from backends.rehearsal.behaviour import TwinModel
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Alert, Delta, Routed
from tests.core import Stand, ask, chunks, policy, prompt, stand
from tests.waiting import until

UNPRICED = "gemini-3.1-flash-lite-next"
"""Of a family that Google's rules are known of."""

OLD, NEW = "gemini-2.5-flash", "gemini-3.5-flash-lite"


def asking(model: str, **more: object) -> Callable[[Settings], Settings]:
    def change(settings: Settings) -> Settings:
        cloud = replace(settings.engines["cloud"], model=model)
        return policy(replace(settings, engines=settings.engines | {"cloud": cloud}, **more), "ada", "cloud")

    return change


async def model_alerts(it: Stand) -> dict[str, Alert]:
    return {key: alert for key, alert in (await it.alerts()).items() if key.startswith("model:")}


async def test_another_model_answers_and_is_what_is_booked(home: Path) -> None:
    async with stand(home, change=asking(OLD)) as it:
        _, outcome = await ask(it.core, prompt("hello", agent="ada"))
        (row,) = await asyncio.to_thread(it.rows)
        billed = it.billed()
    assert outcome.model == row["model"] == NEW
    (call,) = json.loads(row["attempts"])
    assert (call["model"], call["model_asked"]) == (NEW, OLD)
    assert Decimal(row["cost_usd"]) == billed > 0


async def test_another_model_answers_and_reports_are_by_its_name(home: Path) -> None:
    async with stand(home, change=asking(OLD)) as it:
        _, outcome = await ask(it.core, prompt("hello", agent="ada"))
        found, charged = await asyncio.to_thread(reports, it, outcome.started_at)
    assert {row.key: row.cost_usd for row in found.rows} == {NEW: outcome.cost_usd}
    assert (charged["ResourceId"], charged["SkuId"]) == (NEW, NEW)


def reports(it: Stand, since: datetime) -> tuple[SpendReport, dict[str, str]]:
    """The report by model, and the one charge of the FOCUS export."""
    until, prices = since + timedelta(minutes=1), Prices({})
    with closing(connect_read_only(it.paths.ledger)) as db:
        found = report(db, since=since, until=until, by="model", prices=prices)
        (charge,) = csv.DictReader(io.StringIO(focus_csv(db, since=since, until=until, prices=prices)))
    return found, charge


async def test_another_model_answers_and_who_listens_hears_it_before_the_first_word(home: Path) -> None:
    async with stand(home, change=asking(OLD)) as it:
        heard = await chunks(it.core, prompt("hello", agent="ada"))
    first_word = next(index for index, chunk in enumerate(heard) if isinstance(chunk, Delta))
    routed = [chunk for chunk in heard[:first_word] if isinstance(chunk, Routed)]
    assert [chunk.explanation.model for chunk in routed] == [OLD, NEW]
    assert routed[-1].explanation.reasons[0].detail == f"{OLD} is answered by {NEW}"


async def test_another_model_answers_and_one_alert_says_how_to_adopt_it_until_that_ends(home: Path) -> None:
    async with stand(home, change=asking(OLD)) as it:
        for text in ("hello", "hello you", "and who are you?"):
            await ask(it.core, prompt(text, agent="ada"))
        (alert,) = (await model_alerts(it)).values()
        assert alert.text == f"{OLD} is answered by {NEW}"
        assert alert.remedy == f"`claw config set engines.cloud.model {NEW}`"
        it.gemini.behaviour = replace(it.gemini.behaviour, models=(TwinModel(name=OLD, context=1_048_576),))
        for text in ("and now?", "and then?"):  # the first still goes by the successor's rules, and is refused
            await ask(it.core, prompt(text, agent="ada"))

        async def cleared() -> bool:
            return not await model_alerts(it)

        await until(cleared)


async def test_an_alias_is_answered_by_what_it_stands_for_without_an_alert(home: Path) -> None:
    alias = TwinModel(name="gemini-flash-lite-latest", context=1_048_576, answered_by=NEW)
    async with stand(home, change=asking(alias.name)) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, models=(alias,))
        _, outcome = await ask(it.core, prompt("hello", agent="ada"))
        assert outcome.model == NEW
        assert await model_alerts(it) == {}


async def test_a_model_that_nobody_prices_answers_and_is_booked_as_asked_for(home: Path) -> None:
    unpriced = TwinModel(name=NEW, context=1_048_576, answered_by=UNPRICED)
    async with stand(home, change=asking(NEW)) as it:
        it.compared = False  # the twin has no price for it
        it.gemini.behaviour = replace(it.gemini.behaviour, models=(unpriced,))
        _, outcome = await ask(it.core, prompt("hello", agent="ada"))
        (row,) = await asyncio.to_thread(it.rows)
        (alert,) = (await model_alerts(it)).values()
    assert outcome.model == UNPRICED
    assert outcome.cost_usd > 0
    assert any(f"priced as {NEW}" in note for note in outcome.notes)
    assert row["price_source"].startswith("genai-prices")
    assert f'[prices."{UNPRICED}"]' in alert.remedy


async def test_a_models_budget_pays_for_what_was_asked_of_it_whichever_answers(home: Path) -> None:
    """Its successor's budget, which held nothing for the call, is not charged and cannot be overrun."""
    of_old, of_new = (Budget(scope=f"model:{name}", limit_usd=Decimal("0.5")) for name in (OLD, NEW))
    async with stand(home, change=asking(OLD, budgets=(of_old, of_new))) as it:
        _, outcome = await ask(it.core, prompt("hello", agent="ada"))
        old, new = await it.budgets()
    assert (old.spent_usd, new.spent_usd) == (outcome.cost_usd, 0)
    assert outcome.cost_usd > 0


async def test_a_dearer_model_answers_and_from_the_second_call_on_its_price_is_reserved(home: Path) -> None:
    dear = TwinModel(name=NEW, context=1_048_576, answered_by="gemini-3.8-flash")
    async with stand(home, change=asking(NEW)) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, models=(dear,))
        before = await it.core.explain(prompt("hello", agent="ada"))
        _, first = await ask(it.core, prompt("hello", agent="ada"))
        _, second = await ask(it.core, prompt("hello you", agent="ada"))
        assert second.baseline_usd == second.cost_usd
        assert sum((one.cost_usd for one in (first, second)), Decimal(0)) == it.billed()
    assert before.model == NEW
