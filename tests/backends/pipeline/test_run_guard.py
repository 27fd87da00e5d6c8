"""Runs that get nowhere are paused before any engine, and go on when the operator says so."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession
from msgspec.structs import replace

from backends.errors import SessionPaused, WrongUse
from backends.settings.model import Settings
from backends.types import Action, Message, Request
from tests.backends.envelope.conversations import commands, conversation
from tests.core import Stand, ask, served, stand

FAILS = ("make test", "1 failed in 0.31s")
KEY = "session:coding:one"


def looping(times: int, *, session: str = "one", agent: str = "coding") -> Request:
    """A request of a session that has run the same command so often."""
    return replace(conversation(commands(*[FAILS] * times), agent=agent), session=session, envelope=None)


def calls(it: Stand) -> int:
    return len(it.ollama.usage.calls) + len(it.gemini.usage.calls)


def order(verb: str, **more: str) -> Action:
    return Action(verb=verb, actor="test", **more)  # type: ignore[arg-type]


async def test_a_loop_is_paused_by_the_third_repeat_before_any_engine_and_resumes(home: Path) -> None:
    async with stand(home) as it:
        for times in (1, 2):
            await ask(it.core, looping(times))
        before = calls(it)
        for _ in range(2):
            with pytest.raises(SessionPaused, match="same call of exec 3 ×") as refused:
                await ask(it.core, looping(3))
        assert calls(it) == before
        assert (refused.value.http_status, refused.value.should_retry) == (429, False)
        assert refused.value.retry_after_s
        alert = (await it.alerts())[KEY]
        assert [choice.label for choice in alert.choices] == ["let it go on", "end it"]
        (session,) = (await it.core.snapshot()).sessions
        assert (session.paused, session.turns) == ("same call of exec 3 ×", 2)
        acted = await it.core.act(alert.choices[0].action)
        assert acted.undo is not None
        assert KEY not in await it.alerts()
        await ask(it.core, looping(3))
        await ask(it.core, looping(4))
        with pytest.raises(SessionPaused):
            await ask(it.core, looping(9))


async def test_a_new_conversation_of_the_same_name_is_not_paused_for_the_loop_of_another(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(SessionPaused):
            await ask(it.core, looping(3))
        assert KEY in await it.alerts()
        await ask(it.core, looping(0))
        assert KEY not in await it.alerts()
        with pytest.raises(SessionPaused):
            await ask(it.core, looping(3))
        await it.core.act((await it.alerts())[KEY].choices[1].action)  # the operator ends it, whatever it begins with
        with pytest.raises(SessionPaused, match="by the operator"):
            await ask(it.core, looping(0))


async def test_a_client_hears_429_and_that_it_should_not_try_again(home: Path) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "exec", "arguments": '{"command": "make test"}'}}
    step = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "1 failed"},
    ]
    body = {"model": "auto", "messages": [{"role": "user", "content": "Mend it"}, *step * 3]}
    headers = {"x-claw-agent": "coding", "x-claw-session": "one"}
    async with stand(home) as it, served(it, lambda settings: settings) as url, ClientSession() as client:
        async with client.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            error = (await answer.json())["error"]
        assert (answer.status, error["code"], error["type"]) == (429, "paused", "rate_limit_error")
        assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("30", "false")
        assert calls(it) == 0


async def test_what_is_ended_stays_so_over_a_restart(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(SessionPaused):
            await ask(it.core, looping(3))
        await it.core.act((await it.alerts())[KEY].choices[1].action)
        assert KEY not in await it.alerts()
    async with stand(home) as it:
        with pytest.raises(SessionPaused, match="by the operator"):
            await ask(it.core, looping(1))
        (session,) = (await it.core.snapshot()).sessions
        assert session.paused == "by the operator"
        await it.core.act(order("resume", id="one"))
        await ask(it.core, looping(1))


async def test_other_sessions_and_agents_go_on(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(SessionPaused):
            await ask(it.core, looping(3))
        await ask(it.core, looping(1, session="two"))
        await ask(it.core, looping(1, agent="writer"))


async def test_an_agent_is_paused_and_resumed_by_one_word(home: Path) -> None:
    async with stand(home) as it:
        acted = await it.core.act(order("pause", id="Coding"))
        assert acted.detail == "agent coding paused"
        with pytest.raises(SessionPaused, match="claw act resume coding"):
            await ask(it.core, looping(1))
    async with stand(home) as it:
        with pytest.raises(SessionPaused):
            await ask(it.core, looping(1))
        assert acted.undo is not None
        await it.core.act(acted.undo)
        await ask(it.core, looping(1))


async def test_a_session_is_named_by_its_beginning_where_that_is_enough(home: Path) -> None:
    async with stand(home) as it:
        for session in ("7d3f22", "7d3f99"):
            await ask(it.core, looping(1, session=session))
        with pytest.raises(WrongUse, match="give more of it"):
            await it.core.act(order("pause", id="7d3f"))
        with pytest.raises(WrongUse, match="no agent or session"):
            await it.core.act(order("pause", id="nobody"))
        with pytest.raises(WrongUse, match="not paused"):
            await it.core.act(order("resume", id="7d3f2"))
        await it.core.act(order("pause", id="7d3f2"))
        with pytest.raises(SessionPaused):
            await ask(it.core, looping(1, session="7d3f22"))
        await ask(it.core, looping(1, session="7d3f99"))


async def test_explain_says_that_a_loop_would_be_paused_and_pauses_nothing(home: Path) -> None:
    async with stand(home) as it:
        explanation = await it.core.explain(looping(3))
        assert (explanation.status, "same call" in explanation.error) == (429, True)
        assert await it.alerts() == {}
        assert (await it.core.snapshot()).sessions == ()


@pytest.mark.parametrize("by_agent", [True, False])
async def test_loops_may_run_where_the_settings_say_so(home: Path, by_agent: bool) -> None:
    def change(settings: Settings) -> Settings:
        if by_agent:
            coding = replace(settings.agent("coding"), detect_loops=False)
            return replace(settings, agents=settings.agents | {"coding": coding})
        return replace(settings, sessions=replace(settings.sessions, detect_loops=False))

    async with stand(home, change=change) as it:
        _, outcome = await ask(it.core, looping(5))
    assert outcome.finish == "stop"


async def test_a_loop_without_a_name_for_its_session_is_paused_and_resumed_as_well(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(SessionPaused) as refused:
            await ask(it.core, looping(3, session=""))
        (alert,) = (await it.alerts()).values()
        assert alert.key.removeprefix("session:coding:") in str(refused.value)
        await it.core.act(alert.choices[0].action)
        await ask(it.core, looping(3, session=""))


async def test_a_new_ask_ends_what_counts_as_a_loop(home: Path) -> None:
    request = looping(3)
    again = Message(role="user", text="Run it once more")
    async with stand(home) as it:
        _, outcome = await ask(it.core, replace(request, messages=(*request.messages, again)))
    assert outcome.finish == "stop"


async def test_loops_are_let_go_on_as_soon_as_the_settings_are_read_again(home: Path) -> None:
    async with stand(home) as it:
        with pytest.raises(SessionPaused):
            await ask(it.core, looping(3))
        await asyncio.to_thread(it.paths.config.write_text, "[sessions]\ndetect_loops = false\n")
        acted = await it.core.act(order("reload"))
        await ask(it.core, looping(3, session="another"))
    assert acted.detail.startswith("sessions")
