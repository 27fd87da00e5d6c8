"""Money in a whole core between the twins: where it cannot be written, where nothing may be spent, where it is odd."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from msgspec.structs import replace

from backends.errors import BudgetExceeded, BudgetHeld, ClawError, DeadlinePassed, LedgerError, RateLimited, WrongUse
from backends.events import Event, SpendSampled
from backends.rehearsal.behaviour import PROVIDER, Counted
from backends.rehearsal.faults import Fault
from backends.rehearsal.openai_twin import OpenAITwin
from backends.settings.engines import OpenAISettings
from backends.settings.model import Settings
from backends.settings.money import Budget, LocalCosts, Price
from backends.types import ZERO, Action, Policy
from tests.core import Stand, ask, policy, prompt, stand
from tests.waiting import until

D = Decimal
NONE_LEFT = Budget(limit_usd=D(0), on_exceeded="refuse")


@contextmanager
def locked(it: Stand) -> Iterator[None]:
    """Another program holds the ledger's file."""
    db = sqlite3.connect(it.paths.ledger, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.close()


def serving(settings: Settings) -> Settings:
    changed = replace(settings, ledger=replace(settings.ledger, on_unwritable="serve", spill_bytes=65_536))
    return policy(changed, "ada", "cloud")


async def test_d1_serve_goes_on_while_the_file_is_locked_and_loses_nothing(home: Path) -> None:
    async with stand(home, change=serving) as it:
        with locked(it):
            ended = await asyncio.gather(*(ask(it.core, prompt(f"hello {n}", agent="ada")) for n in range(8)))
            assert {outcome.finish for _, outcome in ended} == {"stop"}
            assert "another program has locked it" in await it.alert("ledger:spill")
            assert it.rows() == []
        await it.cleared("ledger:spill")
        rows = await asyncio.to_thread(it.rows)
        billed = it.billed()
    assert sum(D(row["cost_usd"]) for row in rows) == billed > 0
    assert sorted(row["id"] for row in rows) == sorted(outcome.id for _, outcome in ended)


async def test_d1_a_full_spill_is_503_before_any_engine_is_called(home: Path) -> None:
    async with stand(home, change=serving) as it:
        with locked(it):
            with pytest.raises(LedgerError, match="the spill of 64 KiB is full") as refused:
                for number in range(100):
                    await ask(it.core, prompt(f"hello {number}", agent="ada"))
            calls = it.gemini.usage.counts(calls=0)["calls"]["finished"]
            assert refused.value.http_status == 503
            await it.alert("ledger:spill")
        await it.cleared("ledger:spill")
        assert len(await asyncio.to_thread(it.rows)) == calls


@pytest.mark.parametrize("scope", ["all", "agent:", "group:writers", "engine:cloud", "model:gemini-3.5-flash-lite"])
async def test_s10_with_a_budget_of_zero_the_cloud_hears_nothing(home: Path, scope: str) -> None:
    """Under every policy, asked for any engine, answered or explained, with the local engine well, broken and gone."""
    rules: tuple[Policy, ...] = ("auto", "prefer-cloud", "cloud", "prefer-local")

    def change(settings: Settings) -> Settings:
        scopes = [f"agent:{rule}" for rule in rules] if scope == "agent:" else [scope]
        budgets = (*(replace(NONE_LEFT, scope=one) for one in scopes), Budget(limit_usd=D(5)))
        settings = replace(settings, budgets=budgets)
        for rule in rules:
            settings = policy(settings, rule, rule, group="writers")
        return settings

    async with stand(home, change=change) as it:
        it.ollama.inject(Fault(kind="status", status=500), Fault(kind="close", after=1), Fault(kind="reset"))
        for rule in rules:
            for engine in ("auto", "cloud"):
                for text in ("hello", f"write a lock-free queue in Rust and prove it for {rule}", "hello"):
                    for verb in (it.core.explain, lambda request: ask(it.core, request)):
                        try:
                            await verb(prompt(text, agent=rule, engine=engine))
                        except ClawError as error:
                            assert error.kind in ("budget", "no_engine")
        assert it.gemini.usage.requests.total() == 0


async def test_k4_two_hundred_at_once_on_a_budget_for_ten(home: Path) -> None:
    """Each may cost up to a tenth of the limit, and costs far less: who finds the room held waits for what is freed,
    or goes beside those in flight with a shorter answer.
    """
    limit = D("0.21")

    def change(settings: Settings) -> Settings:
        budgets = (Budget(limit_usd=limit, on_exceeded="refuse"),)
        return policy(replace(settings, budgets=budgets), "ada", "cloud")

    async with stand(home, change=change) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, first_token_s=0.2)
        asked = [ask(it.core, prompt(f"hello {number}", agent="ada")) for number in range(200)]
        heard = await asyncio.gather(*asked)
        assert {outcome.finish for _, outcome in heard} == {"stop"}
        state = await it.budget()
        assert state.reserved_usd == ZERO
        # The rest of the budget lets calls with shorter answers go beside; none reserves less than a 35th of the limit.
        assert it.gemini.usage.most_open <= 35
        assert state.spent_usd == it.billed() < limit
        await ask(it.core, prompt("one more", agent="ada"))


FOR_ONE = Budget(limit_usd=D("0.023"), on_exceeded="refuse")
"""It holds one call, and beside it no answer that is worth its while."""


async def test_k4_who_waits_in_vain_for_held_money_hears_429_in_neutral_words(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return policy(replace(settings, budgets=(FOR_ONE,)), "ada", "cloud")

    async with stand(home, change=change) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, first_token_s=30.0)
        first = asyncio.ensure_future(ask(it.core, prompt("hello", agent="ada")))
        await until(lambda: it.gemini.usage.open == 1)
        with pytest.raises(BudgetHeld) as held:
            await ask(it.core, prompt("hello you", agent="ada", deadline_s=0.3))
        first.cancel()
        await asyncio.wait({first})
    assert (held.value.http_status, held.value.retry_after_s) == (429, 5.0)
    assert not {"budget", "spend", "credit", "billing", "quota"} & set(re.findall(r"[a-z]+", str(held.value)))


async def test_k4_who_leaves_while_waiting_for_held_money_leaves_nothing_behind(home: Path) -> None:
    """It was never admitted: it has no row, holds no money and takes nothing of its agent's minute."""

    def change(settings: Settings) -> Settings:
        settings = replace(settings, budgets=(FOR_ONE,))
        return policy(settings, "ada", "cloud", tokens_per_minute=20_000)

    async with stand(home, change=change) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, first_token_s=30.0)
        first = asyncio.ensure_future(ask(it.core, prompt("hello", agent="ada")))
        # all at once: who decides beside the first finds its room taken only when it books
        others = [asyncio.ensure_future(ask(it.core, prompt(f"hello {n}", agent="ada"))) for n in range(4)]
        await until(lambda: it.gemini.usage.open == 1)
        late = asyncio.ensure_future(ask(it.core, prompt("hello you", agent="ada", timeout_s=0.3)))
        with pytest.raises((BudgetHeld, DeadlinePassed)):
            await late
        for other in (first, *others):
            other.cancel()
        await asyncio.wait({first, *others})
        await until(it.idle)
        assert (await it.budget()).reserved_usd == ZERO
        rows = await asyncio.to_thread(it.rows)
        assert [(row["finish"], "cloud" in row["attempts"]) for row in rows] == [("cancelled", True)]


async def test_k4_who_waits_for_held_money_hears_of_a_limit_that_is_raised(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return policy(replace(settings, budgets=(FOR_ONE,)), "ada", "cloud")

    async with stand(home, change=change) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, first_token_s=30.0)
        first = asyncio.ensure_future(ask(it.core, prompt("hello", agent="ada")))
        await until(lambda: it.gemini.usage.open == 1)
        second = asyncio.ensure_future(ask(it.core, prompt("hello you", agent="ada")))
        with pytest.raises((BudgetHeld, DeadlinePassed)):  # who comes later waits to its deadline, and so does it
            await ask(it.core, prompt("hello there", agent="ada", timeout_s=0.3))
        assert it.gemini.usage.open == 1
        await it.core.act(order("all", "day", "5"))
        await until(lambda: it.gemini.usage.open == 2)
        for each in (first, second):
            each.cancel()
        await asyncio.wait({first, second})


THREE_CENTS = Budget(limit_usd=D("0.03"), on_exceeded="refuse", timezone="UTC")


async def test_k4_a_spent_window_is_402_with_its_next_beginning(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return policy(replace(settings, budgets=(THREE_CENTS,)), "ada", "cloud")

    async with stand(home, change=change) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, counted=Counted(output=8_000))
        await ask(it.core, prompt("hello", agent="ada"))
        sent = it.gemini.usage.counts()["requests"]
        with pytest.raises(BudgetExceeded, match=r"begins anew at \d{4}-\d\d-\d\d 00:00 UTC") as spent:
            await ask(it.core, prompt("hello again", agent="ada"))
        assert it.gemini.usage.counts()["requests"] == sent
    assert (type(spent.value), spent.value.http_status) == (BudgetExceeded, 402)


async def test_k4_a_limit_below_one_call_is_402_without_a_promise(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return policy(replace(settings, budgets=(Budget(limit_usd=D("0.0001"), on_exceeded="refuse"),)), "ada", "cloud")

    async with stand(home, change=change) as it:
        with pytest.raises(BudgetExceeded) as small:
            await ask(it.core, prompt("hello", agent="ada"))
        assert it.gemini.usage.counts()["requests"] == {}
    assert "anew" not in str(small.value)


async def test_a_rate_limit_is_429_with_a_time_and_leaves_no_row(home: Path) -> None:
    async with stand(home, change=lambda s: policy(s, "ada", "local", requests_per_minute=2)) as it:
        for number in range(2):
            await ask(it.core, prompt(f"What is the capital of country {number}?", agent="ada"))
        with pytest.raises(RateLimited, match="2 requests a minute") as refused:
            await ask(it.core, prompt("one more", agent="ada"))
        assert refused.value.http_status == 429
        assert refused.value.retry_after_s is not None

        async def stored() -> bool:
            return (await it.core.snapshot()).cache.entries == 2

        await until(stored)
        await ask(
            it.core, prompt("What is the capital of country 1?", agent="ada")
        )  # what the cache knows costs nobody anything
        assert len(await asyncio.to_thread(it.rows)) == 3


async def test_tokens_a_minute_count_what_was_really_used(home: Path) -> None:
    async with stand(home, change=lambda s: policy(s, "ada", "local", tokens_per_minute=100)) as it:
        it.ollama.behaviour = replace(it.ollama.behaviour, counted=Counted(output=500))
        await ask(it.core, prompt("hello", agent="ada"))
        with pytest.raises(RateLimited, match="100 tokens a minute"):
            await ask(it.core, prompt("hello you", agent="ada"))


async def test_a_budget_is_changed_live_and_everybody_hears_of_it(home: Path) -> None:
    heard: list[Event] = []

    async def listen() -> None:
        async with aclosing(it.core.events()) as events:
            async for event in events:
                heard.append(event)

    async with stand(home, change=lambda s: policy(s, "ada", "cloud")) as it:
        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        acted = await it.core.act(order("all", "day", "0"))
        assert acted.detail == "budget all a day is limited to $0"
        with pytest.raises(BudgetExceeded):
            await ask(it.core, prompt("hello", agent="ada"))
        assert acted.undo is not None
        await it.core.act(acted.undo)
        await ask(it.core, prompt("hello", agent="ada"))
        await until(lambda: any(isinstance(event, SpendSampled) for event in heard))
        (first, *_) = [event for event in heard if isinstance(event, SpendSampled)]
        assert first.spend.budgets[0].limit_usd == ZERO
        with pytest.raises(WrongUse, match="is not a scope"):
            await it.core.act(order("nobody", "day", "1"))
        listening.cancel()


def order(scope: str, window: str, usd: str) -> Action:
    return Action(verb="set-budget", actor="test", scope=scope, window=window, limit_usd=D(usd))


async def test_an_alert_stands_from_its_share_and_an_overrun_names_who_billed(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        return policy(replace(settings, budgets=(Budget(limit_usd=D("0.05"), alert_at=0.5),)), "ada", "cloud")

    async with stand(home, change=change) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, counted=Counted(output=11_000))
        await ask(it.core, prompt("hello", agent="ada"))
        assert "of $0.05 left" in await it.alert("budget:all:day:50")
        assert "budget:all:day:overrun" not in await it.alerts()
        it.gemini.behaviour = replace(it.gemini.behaviour, counted=Counted(output=15_000))
        _, over = await ask(it.core, prompt("hello you", agent="ada"))
        assert any("beyond the caps it was given" in note for note in over.notes)
        assert "gemini-3.5-flash-lite billed beyond the caps" in await it.alert("budget:all:day:overrun")
        assert sum(D(row["cost_usd"]) for row in await asyncio.to_thread(it.rows)) == it.billed()


@pytest.mark.parametrize("counted", [Counted(input=10**9), Counted(output=10**9), Counted(thinking=10**9)])
async def test_a_report_beyond_what_a_call_can_have_used_is_estimated_named_and_closes_no_budget(
    home: Path, counted: Counted
) -> None:
    async with stand(home, change=lambda s: policy(s, "ada", "cloud")) as it:
        it.compared = False  # the twin lies
        plain = it.gemini.behaviour
        it.gemini.behaviour = replace(plain, counted=counted)
        text, outcome = await ask(it.core, prompt("hello", agent="ada"))
        it.gemini.behaviour = plain
        _, second = await ask(it.core, prompt("hello you", agent="ada"))
        state = await it.budget()
    assert text
    assert outcome.usage_estimated
    assert outcome.tokens.output > 0
    assert any("tokens where" in note and "its usage is estimated" in note for note in outcome.notes)
    assert second.finish == "stop"
    assert state.spent_usd < D("0.1")


@pytest.mark.parametrize("mode", ["absent", "absent-last", "cached-over-prompt"])
async def test_c8_usage_that_is_missing_or_contradicts_itself_is_estimated_flagged_and_charged_enough(
    home: Path, mode: str
) -> None:
    async with stand(home, change=lambda s: policy(s, "ada", "cloud")) as it:
        it.gemini.inject(Fault(kind="usage", mode=mode))
        text, outcome = await ask(it.core, prompt("say hello to everybody in the house", agent="ada"))
        assert text
        assert outcome.usage_estimated
        assert (await it.budget()).spent_usd >= it.billed() > 0
        assert bool(outcome.notes) == (mode == "cached-over-prompt")


async def test_a_model_without_a_price_is_not_called_and_said_to_be_so(home: Path) -> None:
    def change(settings: Settings, **more: Any) -> Settings:
        cloud = replace(settings.engines["cloud"], model="gemini-99-flash")
        return policy(replace(settings, engines=settings.engines | {"cloud": cloud}, **more), "ada", "prefer-cloud")

    async with stand(home, change=change) as it:
        assert "no price is known for gemini-99-flash" in await it.alert("price")
        _, outcome = await ask(it.core, prompt("hello", agent="ada"))
        assert outcome.engine == "local"
        assert it.gemini.usage.requests.total() == 0
        await it.core.act(Action(verb="adopt", actor="test", engine="cloud", model="gemini-3.5-flash-lite"))
        await it.cleared("price")
    own = {"gemini-99-flash": Price(input_usd=D(1), output_usd=D(1))}
    async with stand(home, change=lambda settings: change(settings, prices=own)) as it:
        assert "price" not in await it.alerts()


async def test_local_calls_have_a_cost_of_their_own_that_nobody_bills(home: Path) -> None:
    costs = LocalCosts(power_w=300.0, kwh_usd=D("0.3"), hardware_usd=D(2000))
    change = lambda s: policy(replace(s, costs=replace(s.costs, local=costs)), "ada", "local")  # noqa: E731 — one line
    async with stand(home, change=change) as it:
        _, outcome = await ask(it.core, prompt("hello", agent="ada"))
        (row,) = await asyncio.to_thread(it.rows)
    assert outcome.cost_usd == ZERO
    assert outcome.own_cost_usd is not None
    assert D(row["own_cost_usd"]) == outcome.own_cost_usd > 0


async def test_a_cloud_engine_without_a_price_is_not_called_and_an_alert_names_it(home: Path) -> None:
    def change(settings: Settings) -> Settings:
        backup = OpenAISettings(zone="cloud", model="our-own-model", base_url="http://127.0.0.1:9/v1")
        return replace(policy(settings, "ada", "cloud"), engines=settings.engines | {"backup": backup})

    async with stand(home, change=change) as it:
        assert "no price is known for our-own-model: it is not called" in await it.alert("price:backup")
        explained = await it.core.explain(prompt("hello", agent="ada"))
        (backup,) = [each for each in explained.alternatives if each.engine == "backup"]
        assert (explained.engine, backup.ruled_out_by) == ("cloud", "engine")
        assert 'add [prices."our-own-model"] with input_usd and output_usd to claw.toml' in backup.detail
        _, ended = await ask(it.core, prompt("hello", agent="ada"))
        assert (ended.engine, ended.zone) == ("cloud", "cloud")


async def test_another_cloud_is_priced_discounted_budgeted_and_reported_by_its_own_name(home: Path) -> None:
    model = "openai/gpt-5-mini"
    twin = OpenAITwin(PROVIDER)
    await twin.start()

    def change(settings: Settings) -> Settings:
        backup = OpenAISettings(zone="cloud", model=model, base_url=f"{twin.url}/v1", discount=D("0.5"))
        budget = Budget(scope="engine:backup", window="total", limit_usd=D(1))
        settings = replace(settings, engines=settings.engines | {"backup": backup}, budgets=(budget,))
        return policy(settings, "ada", "cloud", engines=("backup",))

    async with stand(home, change=change) as it:
        _, ended = await ask(it.core, prompt("hello", agent="ada"))
        budget = await it.budget()
        (row,) = await asyncio.to_thread(it.rows)
    await twin.close()
    assert (ended.engine, ended.zone, ended.model, ended.finish) == ("backup", "cloud", model, "stop")
    usage = Usage(input_tokens=ended.tokens.input, output_tokens=ended.tokens.output + ended.tokens.thinking)
    full = calc_price(usage, model, provider_id="openrouter").total_price
    assert ended.cost_usd == full / 2 > 0
    assert (budget.spent_usd, budget.reserved_usd) == (ended.cost_usd, ZERO)
    assert (row["engine"], row["zone"], D(row["cost_usd"])) == ("backup", "cloud", ended.cost_usd)
    assert row["price_source"].endswith(", OpenRouter, 50% off")
    assert D(row["baseline_usd"]) > 0
