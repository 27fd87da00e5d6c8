"""Settings and limits set beside claw.toml: live, checked as claw.toml is, and back by themselves over restarts."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.clock import ManualClock
from backends.errors import ClawError, RateLimited, WrongSettings, WrongUse
from backends.settings.loading import load
from backends.types import Action, AgentState
from tests.core import Stand, ask, prompt, stand
from tests.waiting import until

UNDO = Action(verb="undo", actor="cli:op")


def put(key: str, value: str, minutes: float | None = None) -> Action:
    return Action(verb="set", actor="console", key=key, value=value, minutes=minutes)


def unset(key: str) -> Action:
    return Action(verb="unset", actor="console", key=key)


def limit(usd: str | None, minutes: float | None = None) -> Action:
    amount = None if usd is None else Decimal(usd)
    return Action(verb="set-budget", actor="console", scope="all", window="day", limit_usd=amount, minutes=minutes)


async def agent(it: Stand, name: str = "writer") -> AgentState:
    return next(each for each in (await it.core.snapshot()).agents if each.name == name)


def audit(it: Stand) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(f"file:{it.paths.ledger}?mode=ro", uri=True)) as db, db:
        found = db.execute("SELECT actor, action FROM audit_v1 ORDER BY at").fetchall()
    db.close()
    return found


async def test_an_agents_policy_and_dial_hold_from_the_next_request_on_and_are_named(home: Path) -> None:
    async with stand(home) as it:
        acted = await it.core.act(put("agents.Writer.policy", "local"))
        await it.core.act(put("agents.writer.dial", "0.25"))
        _, outcome = await ask(it.core, prompt("prove Fermat's last theorem", agent="writer"))
        state = await agent(it)
        back = await it.core.act(unset("agents.writer.policy"))
        freed = await it.core.explain(prompt("what is new?", agent="writer"))
    assert (acted.detail, acted.before, acted.after) == ("agents.writer.policy: auto → local", "auto", "local")
    assert (outcome.engine, outcome.reasons[0].detail) == ("local", "local")
    assert "policy" not in {each.ruled_out_by for each in freed.alternatives}
    assert (state.policy, state.dial, state.changed, state.until) == ("local", 0.25, ("policy", "dial"), None)
    assert back.detail == "agents.writer.policy: local → auto"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agents.writer.policy", "locl"),
        ("agents.writer.dial", "1.5"),
        ("agents.writer.dial", "much"),
        ("agents.writer.engines", '["sky"]'),
        ("agents.writer.max_cost_usd", "-1"),
        ("router.deadline_s", "0"),
        ("alerts.error_share", "2"),
    ],
)
async def test_a_wrong_value_is_refused_in_the_words_for_claw_toml_and_changes_nothing(
    home: Path, tmp_path: Path, key: str, value: str
) -> None:
    bare = value if value[0] in '-["' or value.replace(".", "").isdigit() else f'"{value}"'
    file = tmp_path / "claw.toml"
    await asyncio.to_thread(file.write_text, f"{key} = {bare}\n")
    with pytest.raises(WrongSettings) as said_of_the_file:
        await asyncio.to_thread(load, file, {})
    async with stand(home) as it:
        before = await agent(it)
        with pytest.raises(WrongSettings) as said:
            await it.core.act(put(key, value))
        assert await agent(it) == before
        assert audit(it) == []
    assert str(said.value) == str(said_of_the_file.value).removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (put("agents.writer.polcy", "local"), r"nearest valid one is `agents\.writer\.policy`"),
        (put("engines.local.parallel", "3"), r"needs a restart: `claw config set engines\.local\.parallel VALUE`"),
        (put("agents.writer.group", "x"), "needs a restart"),
        (put("privacy.words", '["Nightjar"]'), "holds private values"),
        (put("agents.writer", "local"), "is a table"),
        (put("router dial", "1"), "is not the name of a setting"),
        (put("router.dial", "0.5", minutes=0.0), "more than 0"),
        (put("router.dial", "0.5", minutes=float("nan")), "more than 0"),
        (put("router.dial", "0.5", minutes=1e9), "at most 30 days"),
        (unset("router.dial"), r"router\.dial is not set beside claw\.toml: nothing is"),
        (limit("5", minutes=-1.0), "more than 0"),
    ],
)
async def test_what_cannot_be_set_is_one_line(home: Path, action: Action, line: str) -> None:
    async with stand(home) as it:
        with pytest.raises(ClawError, match=line):
            await it.core.act(action)
        assert audit(it) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("privacy", '{words = ["Rosebud"]}'),
        ("agents.writer", '{group = "other"}'),
        ("agents", "{}"),
        ("router", "{max_prompt_bytes = 1}"),
        ("alerts.failures", "[" * 1990),
        ("agents.writer.model", "a" * 2001),
    ],
)
async def test_whole_tables_and_monstrous_values_are_refused_and_shown_nowhere(
    home: Path, key: str, value: str
) -> None:
    async with stand(home) as it:
        with pytest.raises(WrongUse) as refused:
            await it.core.act(put(key, value))
        snapshot = await it.core.snapshot()
    assert "Rosebud" not in f"{refused.value}{snapshot}"
    assert audit(it) == []


async def test_no_override_outlasts_thirty_days_whichever_way_its_end_is_given(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, clock=clock) as it:
        action = replace(put("alerts.failures", "9"), until=clock.now() + timedelta(days=31))
        with pytest.raises(WrongUse):
            await it.core.act(action)
    assert audit(it) == []


async def test_what_was_set_for_a_while_falls_back_by_itself_and_is_audited(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, clock=clock) as it:
        acted = await it.core.act(put("agents.writer.policy", "local", minutes=60))
        state = await agent(it)
        clock.advance(59 * 60)
        assert (await agent(it)).policy == "local"
        clock.advance(61)

        async def back() -> bool:
            return (await agent(it)).policy == "auto"

        await until(back)
        with pytest.raises(WrongUse, match="nothing to undo"):
            await it.core.act(UNDO)
        rows = audit(it)
    assert acted.detail == "agents.writer.policy: auto → local for 60 min"
    assert state.until == acted.at + timedelta(minutes=60)
    assert rows == [
        ("console", "set agents.writer.policy local for 60 min"),
        ("clock", "unset agents.writer.policy"),
    ]
    assert not it.paths.config.exists()


async def test_over_a_restart_the_rest_of_the_time_is_kept_and_a_time_that_passed_is_over(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, clock=clock) as it:
        await it.core.act(put("agents.writer.policy", "local", minutes=60))
        await it.core.act(put("router.dial", "0.2"))
    clock.advance(30 * 60)
    async with stand(home, clock=clock) as it:
        half = await agent(it)
    clock.advance(31 * 60)
    async with stand(home, clock=clock) as it:

        async def back() -> bool:
            return (await agent(it)).policy == "auto"

        await until(back)
        told = await it.core.explain(prompt("hello", agent="writer"))
    assert (half.policy, half.changed) == ("local", ("policy",))
    assert told.weighed is not None
    assert told.weighed.dial == 0.2


async def test_the_end_of_one_for_a_while_brings_back_the_one_beneath_it(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, clock=clock) as it:
        await it.core.act(put("agents.writer.policy", "prefer-local"))
        await it.core.act(put("agents.writer.policy", "local", minutes=10))
        await it.core.act(put("agents.writer.policy", "cloud", minutes=5))
        clock.advance(301)

        async def back() -> bool:
            return (await agent(it)).policy == "prefer-local"

        await until(back)
        assert (await agent(it)).changed == ("policy",)


async def test_a_budget_for_an_hour_falls_back_and_its_undo_does_so_at_once(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, clock=clock) as it:
        acted = await it.core.act(limit("250", minutes=60))
        raised = (await it.budget()).limit_usd
        await it.core.act(UNDO)
        undone = (await it.budget()).limit_usd
        await it.core.act(limit("7"))
        await it.core.act(limit("250", minutes=60))
        await it.alert("budget-set:all:day")
        alert = (await it.alerts())["budget-set:all:day"]
        clock.advance(3601)

        async def back() -> bool:
            return (await it.budget()).limit_usd == 7

        await until(back)
        await it.cleared("budget-set:all:day")
        rows = audit(it)
    assert (acted.before, acted.after) == ("$5.00", "$250")
    assert acted.detail == "budget all a day is limited to $250 for 60 min"
    assert (raised, undone) == (250, 5)
    assert alert.text == "budget all a day is $250 instead of $7 by console"
    assert alert.retry_at == alert.since + timedelta(hours=1)
    assert rows[-1] == ("clock", "set-budget all day 7")


async def test_claw_toml_read_again_stays_under_what_is_set_beside_it(home: Path) -> None:
    async with stand(home) as it:
        await it.core.act(put("agents.writer.policy", "local"))
        text = '[agents.writer]\npolicy = "cloud"\n[router]\ndial = 0.1\n'
        await asyncio.to_thread(it.paths.config.write_text, text)
        await it.core.act(Action(verb="reload", actor="SIGHUP"))
        under = await agent(it)
        told = await it.core.explain(prompt("hello", agent="ada"))
        await it.core.act(unset("agents.writer.policy"))
        after = await agent(it)
    assert (under.policy, after.policy) == ("local", "cloud")
    assert told.weighed is not None
    assert told.weighed.dial == 0.1


async def test_what_does_not_fit_a_changed_claw_toml_is_dropped_at_the_start_and_the_rest_kept(home: Path) -> None:
    async with stand(home) as it:
        await it.core.act(put("agents.scribe.policy", "local"))
        await it.core.act(put("router.dial", "0.3"))
        await asyncio.to_thread(it.paths.config.write_text, '[agents.scribe]\npolicy = "cloud"\nengines = ["cloud"]\n')
    async with stand(home) as it:
        state = await agent(it, "scribe")
        rows = audit(it)
        told = await it.core.explain(prompt("hello", agent="ada"))
    assert (state.policy, state.changed) == ("cloud", ())
    assert rows[-1] == ("clock", "unset agents.scribe.policy")
    assert told.weighed is not None
    assert told.weighed.dial == 0.3


async def test_a_rate_limit_is_live_too(home: Path) -> None:
    async with stand(home) as it:
        await it.core.act(put("agents.writer.requests_per_minute", "1"))
        await ask(it.core, prompt("hello", agent="writer"))
        with pytest.raises(RateLimited):
            await ask(it.core, prompt("hello you", agent="writer"))
        await it.core.act(UNDO)
        _, outcome = await ask(it.core, prompt("hello all", agent="writer"))
    assert outcome.finish == "stop"


async def test_the_alert_of_an_override_takes_it_back(home: Path) -> None:
    async with stand(home) as it:
        await it.core.act(put("agents.writer.policy", "local", minutes=60))
        text = await it.alert("set:agents.writer.policy")
        alert = (await it.alerts())["set:agents.writer.policy"]
        await it.core.act(alert.choices[0].action)
        await it.cleared("set:agents.writer.policy")
        state = await agent(it)
    assert text == "agents.writer.policy is local instead of auto by console"
    assert alert.retry_at == alert.since + timedelta(hours=1)
    assert (state.policy, state.changed) == ("auto", ())


STEP = st.one_of(
    st.tuples(
        st.just("set"),
        st.sampled_from(["agents.writer.policy", "agents.ada.policy"]),
        st.sampled_from(["local", "cloud", "prefer-local", "prefer-cloud"]),
        st.sampled_from([None, 1.0, 5.0]),
    ),
    st.tuples(st.just("unset"), st.sampled_from(["agents.writer.policy", "agents.ada.policy"])),
    st.tuples(st.just("undo")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("wait"), st.sampled_from([30.0, 90.0, 400.0])),
)


@given(steps=st.lists(STEP, max_size=10))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_all_times_are_over_and_all_is_unset_every_rule_is_claw_tomls_again(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]
) -> None:
    """Whatever is set, unset and undone, over any number of restarts: nothing for a while outlives its end."""

    async def run() -> None:
        home, clock = tmp_path_factory.mktemp("home") / "claw", ManualClock()
        rest = list(steps)
        while rest or clock.monotonic() < 3000:
            async with stand(home, clock=clock) as it:
                while rest and (step := rest.pop(0))[0] != "restart":
                    await take(it, clock, step)
                if not rest:
                    clock.advance(3000)
                    await until(lambda: no_ends(it))
        async with stand(home, clock=clock) as it:
            for state in (await it.core.snapshot()).agents:
                if state.changed:
                    await it.core.act(unset(f"agents.{state.name}.policy"))
            states = (await it.core.snapshot()).agents
        found = (await asyncio.to_thread(load, it.paths.config, {})).settings.agents
        assert {state.name: state.policy for state in states} == {name: each.policy for name, each in found.items()}

    asyncio.run(run())


async def take(it: Stand, clock: ManualClock, step: tuple[Any, ...]) -> None:
    try:
        match step:
            case ("set", key, value, minutes):
                await it.core.act(put(key, value, minutes))
            case ("unset", key):
                await it.core.act(unset(key))
            case ("undo",):
                await it.core.act(UNDO)
            case ("wait", seconds):
                clock.advance(seconds)
    except WrongUse:
        pass


async def no_ends(it: Stand) -> bool:
    return all(state.until is None for state in (await it.core.snapshot()).agents)


@pytest.mark.parametrize(
    ("strict", "key", "loose", "words"),
    [
        ({"agents.writer.sensitive": "true"}, "agents.writer.sensitive", "false", "what writer sends"),
        ({}, "privacy.action", "redact", "private data of"),
        ({"agents.writer.privacy": "local"}, "agents.writer.secrets", "local-else-redact", "private data of writer"),
        ({"privacy.images": "local"}, "privacy.images", "pass", "images"),
    ],
)
async def test_what_lets_more_leave_this_machine_must_be_confirmed_and_is_in_the_audit(
    home: Path, strict: dict[str, str], key: str, loose: str, words: str
) -> None:
    async with stand(home) as it:
        for name, value in strict.items():
            await it.core.act(put(name, value))
        with pytest.raises(WrongUse, match=f"{words} .*leave this machine.*--yes"):
            await it.core.act(put(key, loose))
        assert len(audit(it)) == len(strict)
        if key in strict:
            with pytest.raises(WrongUse, match="must be confirmed"):
                await it.core.act(unset(key))
        acted = await it.core.act(replace(put(key, loose), confirmed=True))
        await it.core.act(UNDO)
        assert audit(it)[len(strict)] == ("console", f"set {key} {loose}")
    assert acted.after == loose


async def test_what_falls_back_by_itself_or_is_undone_needs_no_second_yes(home: Path) -> None:
    clock = ManualClock()
    async with stand(home, clock=clock) as it:
        await it.core.act(put("agents.writer.sensitive", "true", minutes=1.0))
        await it.core.act(UNDO)
        await it.core.act(put("agents.writer.sensitive", "true", minutes=1.0))
        clock.advance(61)
        await until(lambda: ("clock", "unset agents.writer.sensitive") in audit(it))


async def test_several_settings_are_one_change_and_one_undo(home: Path) -> None:
    async with stand(home) as it:
        await it.core.act(put("agents.writer.dial", "0.5"))
        changes: dict[str, str | None] = {"agents.writer.dial": "0.25", "agents.Writer.policy": "local"}
        both = Action(verb="set", actor="console", values=changes, minutes=60.0)
        acted = await it.core.act(both)
        state = await agent(it)
        await it.core.act(UNDO)
        after = await agent(it)
        with pytest.raises(ClawError, match="policy"):
            await it.core.act(replace(both, values={"agents.writer.dial": "1", "agents.writer.policy": "locl"}))
        assert await agent(it) == after, "all or none"
        words = [action for _, action in audit(it)]
    assert acted.detail == "agents.writer.dial: 0.5 → 0.25; agents.writer.policy: auto → local for 60 min"
    assert (state.policy, state.dial) == ("local", 0.25)
    assert (after.policy, after.dial, after.changed) == ("auto", 0.5, ("dial",))
    assert words[1] == "set agents.writer.dial 0.25 agents.Writer.policy local for 60 min"
    assert len(words) == 3


async def test_an_action_sets_no_more_settings_than_its_bound(home: Path) -> None:
    many: dict[str, str | None] = {f"agents.a{number}.dial": "1" for number in range(21)}
    async with stand(home) as it:
        with pytest.raises(WrongUse, match="at most 20 settings"):
            await it.core.act(Action(verb="set", actor="console", values=many))
        with pytest.raises(WrongUse, match="at most 2000 characters"):
            await it.core.act(Action(verb="set", actor="console", values={"router.dial": "1" * 2001}))
        assert audit(it) == []
