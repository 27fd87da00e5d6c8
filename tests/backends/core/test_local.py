"""The whole way of a request through a core, its twins and its ledger."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import aclosing, closing
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends import events
from backends.errors import BudgetExceeded, Refused, WrongUse
from backends.paths import Paths
from backends.rehearsal.faults import Fault
from backends.routing.calibration.calibration_store import Calibration, CalibrationStore
from backends.routing.quality.platt_scaling import Correction
from backends.settings.model import Settings
from backends.settings.money import Budget
from backends.types import Action, Delta, Done, Outcome, Routed
from tests.core import Stand, ask, chunks, policy, prompt, stand
from tests.waiting import until

BUSY = Fault(kind="status", status=503, body={"error": "server busy, please try again."}, times=None)


def cloudy(settings: Settings) -> Settings:
    return policy(settings, "writer", "cloud")


def slow(it: Stand) -> None:
    """Both twins speak slowly enough to be left in the middle."""
    it.ollama.behaviour = replace(it.ollama.behaviour, tokens_per_s=20.0)
    it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=40.0, chunk_tokens=1)


async def idle(it: Stand) -> None:
    """No reservation, no call in flight, nothing open at the twins."""
    await until(it.idle)
    assert [budget.reserved_usd for budget in await it.budgets()] == [Decimal(0)]


async def test_a_local_agents_prompt_is_answered_at_home_and_is_one_row(home: Path) -> None:
    async with stand(home) as it:
        text, outcome = await ask(it.core, prompt("what is trending in home labs?", agent="scout"))
        (row,) = it.rows()
        assert it.gemini.usage.counts()["requests"] == {}
    assert text
    assert (outcome.engine, outcome.finish, outcome.cost_usd) == ("local", "stop", 0)
    assert outcome.baseline_usd > 0
    assert (row["id"], row["agent"], row["engine"], row["finish"]) == (outcome.id, "scout", "local", "stop")
    told = it.ollama.usage.counts()["tokens"]
    assert (row["input_tokens"], row["output_tokens"]) == (told["input"], told["output"])


async def test_an_answer_is_rated_once_it_is_there_and_its_row_says_which_weights_spoke(home: Path) -> None:
    async with stand(home) as it:
        _, outcome = await ask(it.core, prompt("what is trending in home labs?", agent="scout"))
        rate = Action(verb="rate", actor="console", id=outcome.id, good=False, engine="cloud", intent="research")
        acted = await it.core.act(rate)
        for unknown in (replace(rate, id="nobody"), replace(rate, intent="poetry"), replace(rate, good=None)):
            with pytest.raises(WrongUse):
                await it.core.act(unknown)
        with closing(sqlite3.connect(f"file:{it.paths.ledger}?mode=ro", uri=True)) as db, db:
            (said,) = db.execute("SELECT verdict, better_engine, intent FROM feedback_v1").fetchall()
            (weights,) = db.execute("SELECT weights, p_local FROM decisions_v1").fetchall()
        db.close()
    assert acted.detail == f"answer {outcome.id} rated bad, cloud would have been better, it was research"
    assert said == ("bad", "cloud", "research")
    assert weights == (outcome.weights, outcome.p_local)
    assert outcome.weights


async def test_what_was_learned_while_it_runs_is_put_in_force_by_an_action(home: Path) -> None:
    async with stand(home) as it:
        before = await it.core.explain(prompt("hello there", agent="writer"))
        assert before.classes is not None
        harsh = Calibration(weights=before.classes.weights, local=Correction(shift=-4.0), gains=(0.0, 0.1, 0.5))
        await asyncio.to_thread(lambda: CalibrationStore(it.paths.learned).add(harsh))
        acted = await it.core.act(Action(verb="relearn", actor="cli"))
        after = await it.core.explain(prompt("hello there", agent="writer"))
    assert acted.detail == "calibration 1 in force"
    assert after.classes is not None
    assert after.classes.said == (before.classes.p_local, before.classes.p_cloud)
    assert after.classes.p_local < before.classes.p_local
    assert after.engine == "cloud"


async def test_what_was_learned_for_other_weights_is_said_not_to_count(home: Path) -> None:
    learned = Calibration(weights="others", local=Correction(shift=-4.0), gains=(0.0, 0.5))
    await asyncio.to_thread(lambda: CalibrationStore(Paths.find().learned).add(learned))
    async with stand(home) as it:
        (alert,) = [alert for alert in (await it.core.snapshot()).alerts if alert.key == "calibration"]
        told = await it.core.explain(prompt("hello there", agent="writer"))
        fits = Calibration(weights=told.classes.weights if told.classes else "", gains=(0.0, 0.5))
        await asyncio.to_thread(lambda: CalibrationStore(it.paths.learned).add(fits))
        await it.core.act(Action(verb="relearn", actor="cli"))
        await it.cleared("calibration")
    assert alert.text == "calibration 1 was learned for other weights than today's and changes nothing"
    assert told.classes is not None
    assert told.classes.said is None


async def test_a_cloud_answer_costs_what_the_provider_bills_to_the_last_digit(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        for number in range(3):
            await ask(it.core, prompt(f"draft a post about topic {number}", agent="writer"))
        rows, bill, told = it.rows(), it.billed(), it.gemini.usage.counts()["tokens"]
    assert sum(Decimal(row["cost_usd"]) for row in rows) == bill > 0
    sums = {key: sum(row[f"{column}_tokens"] for row in rows) for key, column in NAMES.items()}
    assert sums == told


NAMES = {"input": "input", "output": "output", "thinking": "thinking", "cached": "cached_input"}


async def test_a_repeat_is_a_hit_that_costs_nothing_and_says_what_it_saved(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        first, paid = await ask(it.core, prompt("name three uses of a cache", agent="writer"))
        again, free = await ask(it.core, prompt("name three uses of a cache", agent="writer"))
        other, _ = await ask(it.core, prompt("name three uses of a cache", agent="ada", cache=False))
        assert it.gemini.usage.counts()["calls"]["finished"] + it.ollama.usage.counts()["calls"].get("finished", 0) == 2
    assert again == first
    assert (free.engine, free.cache, free.cost_usd, free.baseline_usd) == ("cache", "exact", 0, paid.baseline_usd)
    assert free.attempts == ()
    assert other


async def test_a_caller_who_wants_no_cache_neither_reads_nor_writes_it(home: Path) -> None:
    async with stand(home) as it:
        _, first = await ask(it.core, prompt("status of the disks", agent="scout", cache=False))
        _, second = await ask(it.core, prompt("status of the disks", agent="scout"))
    assert (first.cache, second.cache) == ("bypass", "miss")


async def test_what_is_sensitive_stays_at_home_and_leaves_no_trace_in_the_cache(home: Path) -> None:
    secret = "AKIA" + "IOSFODNN7" + "QWERTZU"
    text = f"why does aws reject aws_access_key_id={secret} with secret {'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY'}?"
    async with stand(home, change=cloudy) as it:
        _, outcome = await ask(it.core, prompt(text, agent="ada"))
        with pytest.raises(Refused):
            await ask(it.core, prompt(text, agent="writer"))
        with pytest.raises(Refused):
            await ask(it.core, prompt(text, agent="ada", engine="cloud"))
        _, again = await ask(it.core, prompt(text, agent="ada"))
        assert it.gemini.usage.counts()["requests"] == {}
        assert (await it.core.snapshot()).cache.entries == 0
    assert (outcome.engine, outcome.sensitive, outcome.cache) == ("local", True, "bypass")
    assert again.cache == "bypass"
    assert _files_with(home, secret) == []


def _files_with(home: Path, text: str) -> list[Path]:
    return [file for file in home.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


async def test_a_refused_request_has_no_row_but_is_told(home: Path) -> None:
    async with stand(home) as it, aclosing(it.core.events()) as stream:
        heard = asyncio.ensure_future(anext(stream))
        await until(lambda: it.resources.bus.watchers)
        with pytest.raises(WrongUse):
            await ask(it.core, prompt("  "))
        event = await heard
        assert it.rows() == []
    assert isinstance(event, events.RequestRefused)
    assert event.rule == "invalid_request"


# ---- sharing a call -------------------------------------------------------------------------------------------------


async def test_equal_calls_share_one_upstream_call_and_have_a_row_each(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        slow(it)
        ends = await asyncio.gather(*(ask(it.core, prompt("describe a rack", agent="writer")) for _ in range(6)))
        await idle(it)
        rows, bill = it.rows(), it.billed()
        calls = it.gemini.usage.counts()["calls"]
    assert calls == {"finished": 1}
    assert len({text for text, _ in ends}) == 1
    assert len(rows) == 6
    assert Counter(row["cache"] for row in rows) == {"miss": 1, "exact": 5}
    assert sum(Decimal(row["cost_usd"]) for row in rows) == bill
    assert {outcome.finish for _, outcome in ends} == {"stop"}


async def shared(it: Stand, calls: int) -> bool:
    """Do this many callers share another's call?"""
    recent = (await it.core.snapshot()).recent
    return sum(each.explanation.reasons[0].detail == "shares a call in flight" for each in recent) == calls


async def test_callers_that_shared_a_call_are_hits_once_it_is_answered_and_save_nothing_where_it_fails(
    home: Path,
) -> None:
    async with stand(home, change=cloudy) as it:
        slow(it)
        await asyncio.gather(*(ask(it.core, prompt("describe a rack", agent="writer")) for _ in range(3)))
        answered = (await it.core.snapshot()).cache
        it.gemini.inject(Fault(kind="close", after=2))
        ends = await asyncio.gather(*(ask(it.core, prompt("describe a shelf", agent="writer")) for _ in range(3)))
        await idle(it)
        snapshot, rows = await it.core.snapshot(), it.rows()
    assert (answered.lookups, answered.hits, answered.shared_flights) == (3, 2, 2)
    assert (snapshot.cache.lookups, snapshot.cache.hits) == (6, 2)
    assert snapshot.cache.saved_usd == answered.saved_usd > 0
    assert {outcome.finish for _, outcome in ends} == {"error"}
    failed = [row for row in rows if row["finish"] == "error"]
    assert {row["cache"] for row in failed} == {"miss"}
    assert [row["baseline_usd"] for row in failed] == [row["cost_usd"] for row in failed]


async def test_the_leader_may_leave_and_the_others_still_get_the_answer(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        slow(it)
        leader = asyncio.ensure_future(ask(it.core, prompt("describe a rack", agent="writer")))
        await until(lambda: it.gemini.usage.open == 1)
        followers = [asyncio.ensure_future(ask(it.core, prompt("describe a rack", agent="writer"))) for _ in range(5)]
        await until(lambda: shared(it, 5))
        leader.cancel()
        ends = await asyncio.gather(*followers)
        await asyncio.gather(leader, return_exceptions=True)
        await idle(it)
        rows, bill = it.rows(), it.billed()
    assert {(outcome.finish, outcome.cost_usd) for _, outcome in ends} == {("stop", Decimal(0))}
    assert Counter(row["finish"] for row in rows) == {"cancelled": 1, "stop": 5}
    assert sum(Decimal(row["cost_usd"]) for row in rows) == bill > 0


async def test_the_call_ends_when_the_last_one_has_left(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        slow(it)
        callers = [asyncio.ensure_future(ask(it.core, prompt("describe a rack", agent="writer"))) for _ in range(3)]
        await until(lambda: shared(it, 2))
        await until(lambda: it.gemini.usage.open == 1)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await idle(it)
        rows = it.rows()
    assert [row["finish"] for row in rows] == ["cancelled"] * 3
    assert it.gemini.usage.counts()["calls"] == {"aborted": 1}


# ---- leaving and lateness -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", ["scout", "writer"])
async def test_a_caller_who_leaves_in_the_middle_frees_engine_and_reservation(home: Path, agent: str) -> None:
    async with stand(home, change=cloudy) as it:
        slow(it)
        async with aclosing(it.core.ask(prompt("tell a long story", agent=agent))) as stream:
            async for chunk in stream:
                if isinstance(chunk, Delta):
                    break
        await idle(it)
        (row,) = it.rows()
    assert row["finish"] == "cancelled"
    assert row["usage_estimated"] == 1
    assert row["input_tokens"] > 0


async def test_a_caller_who_leaves_the_queue_was_never_sent(home: Path) -> None:
    def one_place(settings: Settings) -> Settings:
        local = replace(settings.engines["local"], parallel=1)
        return replace(settings, engines=settings.engines | {"local": local})

    async with stand(home, change=one_place) as it:
        slow(it)
        first = asyncio.ensure_future(ask(it.core, prompt("a long story", agent="scout")))
        await until(lambda: it.ollama.usage.open == 1)
        second = asyncio.ensure_future(ask(it.core, prompt("another story", agent="infra")))

        async def waits() -> bool:
            return (await it.core.snapshot()).engines[0].waiting_by_agent == {"infra": 1}

        await until(waits)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await idle(it)
        rows = {row["agent"]: row for row in it.rows()}
    assert rows["infra"]["finish"] == "cancelled"
    assert rows["infra"]["attempts"] == "[]"


async def test_a_caller_hears_the_end_when_its_deadline_passes(home: Path) -> None:
    async with stand(home) as it:
        it.ollama.inject(Fault(kind="silence"))
        _, outcome = await ask(it.core, prompt("are you there?", agent="scout", deadline_s=0.3))
        await idle(it)
        (row,) = it.rows()
    assert (outcome.finish, outcome.error_kind) == ("error", "deadline")
    assert "deadline" in (outcome.error or "")
    assert (row["finish"], row["usage_estimated"]) == ("error", 1)


async def test_a_core_that_closes_ends_what_runs_and_writes_its_row(home: Path) -> None:
    heard: list[Outcome] = []

    async def listen(it: Stand) -> None:
        async with aclosing(it.core.ask(prompt("a long story", agent="scout"))) as stream:
            async for chunk in stream:
                if isinstance(chunk, Done):
                    heard.append(chunk.outcome)

    async with stand(home) as it:
        it.ollama.inject(Fault(kind="silence", after=2))
        listener = asyncio.ensure_future(listen(it))
        await until(lambda: it.ollama.usage.open == 1)
    await listener
    assert [outcome.error_kind for outcome in heard] == ["closing"]
    assert [row["finish"] for row in it.rows()] == ["error"]


# ---- trouble with an engine -----------------------------------------------------------------------------------------


async def test_the_other_engine_takes_over_before_the_first_word(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "ada", "prefer-local")) as it:
        it.ollama.inject(BUSY)
        heard = await chunks(it.core, prompt("summarise: the disk is full", agent="ada"))
        (row,) = it.rows()
        bill = it.billed()
    end = heard[-1]
    assert isinstance(end, Done)
    outcome = end.outcome
    assert [chunk.explanation.engine for chunk in heard if isinstance(chunk, Routed)] == ["local", "cloud"]
    assert (outcome.engine, outcome.finish) == ("cloud", "stop")
    assert [(attempt.engine, attempt.error is None) for attempt in outcome.attempts] == [
        ("local", False),
        ("cloud", True),
    ]
    assert outcome.reasons[0].rule == "failover"
    assert Decimal(row["cost_usd"]) == bill


async def test_an_absolute_policy_never_fails_over(home: Path) -> None:
    async with stand(home) as it:
        it.ollama.inject(BUSY)
        text, outcome = await ask(it.core, prompt("what is trending?", agent="scout"))
        assert it.gemini.usage.counts()["requests"] == {}
    assert (text, outcome.finish, outcome.engine) == ("", "error", "local")
    assert outcome.error_kind == "busy"


async def test_a_stream_that_breaks_ends_honestly_and_is_not_kept(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        it.gemini.inject(Fault(kind="close", after=2))
        _, broken = await ask(it.core, prompt("draft a launch post", agent="writer"))
        text, whole = await ask(it.core, prompt("draft a launch post", agent="writer"))
        await idle(it)
    assert (broken.finish, broken.error_kind, broken.usage_estimated) == ("error", "cut", True)
    assert broken.cost_usd > 0
    assert (whole.finish, whole.cache) == ("stop", "miss")
    assert text


async def test_a_blocked_answer_is_no_answer_and_no_failure(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        it.gemini.inject(Fault(kind="blocked", mode="PROHIBITED_CONTENT"))
        text, outcome = await ask(it.core, prompt("something foul", agent="writer"))
    assert (text, outcome.finish) == ("", "blocked")
    assert any("PROHIBITED_CONTENT" in note for note in outcome.notes)


async def test_thinking_that_eats_the_cap_says_so(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        it.gemini.inject(Fault(kind="thought-cap"))
        _, outcome = await ask(it.core, prompt("think very hard", agent="writer"))
        bill = it.billed()
    assert (outcome.finish, outcome.notes) == ("length", ("thought the whole cap",))
    assert outcome.cost_usd == bill > 0


async def test_a_refused_key_is_an_alert_and_one_line(home: Path) -> None:
    bad = Fault(
        kind="status",
        status=400,
        body={
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
                "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
            }
        },
    )
    async with stand(home, change=cloudy) as it:
        it.gemini.inject(bad)
        _, outcome = await ask(it.core, prompt("hello there", agent="writer"))
        text = await it.alert("engine:cloud:key")
        alert = (await it.alerts())["engine:cloud:key"]
        state = (await it.core.snapshot()).engines[1]
    assert (outcome.finish, outcome.error_kind, outcome.cost_usd) == ("error", "key", 0)
    assert "\n" not in (outcome.error or "\n")
    assert (text, state.health, state.detail) == ("cloud: 400, key refused", "down", "400, key refused")
    assert "API key not valid" in alert.detail


# ---- money ----------------------------------------------------------------------------------------------------------


def limited(limit: str, on_exceeded: str) -> Budget:
    return Budget(limit_usd=Decimal(limit), on_exceeded=on_exceeded)  # type: ignore[arg-type]


async def test_a_budget_of_nothing_keeps_every_prompt_at_home(home: Path) -> None:
    def broke(settings: Settings) -> Settings:
        return replace(cloudy(policy(settings, "ada", "prefer-cloud")), budgets=(limited("0", "local"),))

    async with stand(home, change=broke) as it:
        _, outcome = await ask(it.core, prompt("hello", agent="ada"))
        with pytest.raises(BudgetExceeded):
            await ask(it.core, prompt("hello", agent="writer"))
        assert it.gemini.usage.counts()["requests"] == {}
    assert outcome.engine == "local"


async def test_no_number_of_parallel_calls_overruns_a_budget(home: Path) -> None:
    def tight(settings: Settings) -> Settings:
        return replace(cloudy(settings), budgets=(limited("0.10", "refuse"),))

    async def one(it: Stand, number: int) -> str:
        _, outcome = await ask(it.core, prompt(f"write about number {number}", agent="writer"))
        return outcome.finish

    async with stand(home, change=tight) as it:
        slow(it)
        ends = Counter(await asyncio.gather(*(one(it, number) for number in range(24))))
        await idle(it)
        (budget,) = await it.budgets()
        assert it.billed() == budget.spent_usd <= Decimal("0.10")
    assert ends == {"stop": 24}


# ---- what watchers see ----------------------------------------------------------------------------------------------


async def test_explaining_leaves_no_trace(home: Path) -> None:
    async with stand(home) as it:
        explanation = await it.core.explain(prompt("summarise this log", agent="ada"))
        assert it.rows() == []
        assert (await it.core.snapshot()).recent == ()
    assert explanation.decision_us > 0
    assert explanation.reasons


async def test_watchers_hear_a_requests_stages_in_order(home: Path) -> None:
    heard: list[events.Event] = []

    async def watch(it: Stand) -> None:
        async with aclosing(it.core.events()) as stream:
            async for event in stream:
                heard.append(event)

    async with stand(home) as it:
        watcher = asyncio.ensure_future(watch(it))
        await until(lambda: it.resources.bus.watchers)
        _, outcome = await ask(it.core, prompt("what is trending?", agent="scout"))
        await until(lambda: any(isinstance(event, events.SpendSampled) for event in heard))
        recent = (await it.core.snapshot()).recent
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
    stages = [
        event.in_flight.stage if isinstance(event, events.Progressed) else type(event).__name__
        for event in heard
        if isinstance(event, events.Decided | events.Progressed | events.Settled)
    ]
    assert stages == ["Decided", "waiting", "called", "streaming", "Settled"]
    assert [exchange.outcome for exchange in recent] == [outcome]


async def test_a_new_core_remembers_the_last_requests_and_the_spend(home: Path) -> None:
    async with stand(home, change=cloudy) as it:
        _, outcome = await ask(it.core, prompt("draft a line", agent="writer"))
    async with stand(home, change=cloudy) as it:
        snapshot = await it.core.snapshot()
    assert [exchange.id for exchange in snapshot.recent] == [outcome.id]
    assert snapshot.spend is not None
    assert snapshot.spend.today_usd == outcome.cost_usd
