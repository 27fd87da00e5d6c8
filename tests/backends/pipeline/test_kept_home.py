"""An agent whose memory file holds its owner's data is answered locally, with an alert that one action answers."""

import json
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from backends.errors import ContextTooLong, WrongUse
from backends.identity import new_id
from backends.settings.agents import Agent
from backends.settings.model import Settings
from backends.types import Acted, Action, Alert, Message, Request, Tool, ToolCall
from tests.core import Stand, ask, stand

MAIL, PHONE, STREET = "lena.ortiz@webmail.net", "+49 151 53437436", "Lindenstraße 14, 10969 Berlin"
PARTS = ("lena.ortiz", "webmail.net", "53437436", "straße 14", "10969")
USER = f"# USER.md\n\n- Name: Lena\n- Mail: {MAIL}\n- Phone: {PHONE}\n- Address: {STREET}\n"
SYSTEM = "You are a careful assistant for one person.\n\n" + "Answer briefly and in full sentences.\n" * 40


def settings(base: Settings) -> Settings:
    agents = {"writer": Agent(policy="prefer-cloud"), "home": Agent(policy="local"), "only": Agent(engines=("local",))}
    return replace(base, agents=base.agents | agents, router=replace(base.router, dial=1.0))


def turn(text: str = "What is on for today?", *, agent: str = "writer", memory: str = USER, **more: Any) -> Request:
    messages = (Message(role="system", text=SYSTEM + memory), Message(role="user", text=text))
    return Request(id=new_id(), agent=agent, messages=messages, session=more.pop("session", "s1"), **more)


async def engine(it: Stand, request: Request) -> str:
    return (await ask(it.core, replace(request, id=new_id())))[1].engine


async def kept_home(it: Stand) -> dict[str, Alert]:
    return {key: alert for key, alert in (await it.alerts()).items() if key.startswith("privacy:")}


async def the_alert(it: Stand) -> Alert:
    (alert,) = (await kept_home(it)).values()
    return alert


def heard_by_cloud(it: Stand) -> str:
    return "\n".join(seen.body.decode() for seen in it.gemini.seen)


async def choose(it: Stand, verb: str) -> Acted:
    (choice,) = (each for each in (await the_alert(it)).choices if each.action.verb == verb)
    return await it.core.act(choice.action)


async def test_the_owners_data_keeps_an_agent_here_with_one_alert_that_never_shows_it(home: Path) -> None:
    async with stand(home, change=settings) as it:
        began = datetime.now(UTC)
        assert await engine(it, turn("question 1")) == "local"
        heard = datetime.now(UTC)
        for count in (2, 3):
            assert await engine(it, turn(f"question {count}")) == "local"
        alert = await the_alert(it)
        assert began <= alert.since <= heard
        assert alert.text.startswith(
            "writer: 3 turns kept on this machine by private data (e-mail, phone, address) in its memory file"
        )
        assert [choice.action.verb for choice in alert.choices] == ["allow", "redact", "keep-home"]
        assert "3 values" in alert.choices[0].label
        assert not any(part in str(alert) for part in PARTS)
        assert heard_by_cloud(it) == ""


async def test_once_allowed_the_values_pass_for_this_agent_and_come_back_with_undo(home: Path) -> None:
    async with stand(home, change=settings) as it:
        await engine(it, turn())
        acted = await choose(it, "allow")
        assert await kept_home(it) == {}
        assert await engine(it, turn("another")) == "cloud"
        assert await engine(it, turn("Jo's mail is jo.kant@webmail.net")) == "local", "only what was allowed passes"
        assert acted.undo is not None
        await it.core.act(acted.undo)
        assert await engine(it, turn("a third")) == "local"
        audit = "".join(str(row) for row in await audit_rows(it))
        assert "allow" in audit and "withdraw" in audit
        assert not any(part in audit for part in PARTS)


async def audit_rows(it: Stand) -> list[Any]:
    with closing(sqlite3.connect(f"file:{it.paths.ledger}?mode=ro", uri=True)) as db, db:
        rows = db.execute("SELECT * FROM audit_v1").fetchall()
        rows += db.execute("SELECT * FROM controls").fetchall()
    db.close()
    return rows


async def test_once_redacted_the_cloud_answers_and_hears_nothing_of_the_values(home: Path) -> None:
    async with stand(home, change=settings) as it:
        await engine(it, turn())
        await choose(it, "redact")
        assert await kept_home(it) == {}
        assert await engine(it, turn("another")) == "cloud"
        assert "[[EMAIL_1]]" in heard_by_cloud(it)
        assert not any(part in heard_by_cloud(it) for part in PARTS)


async def test_kept_at_home_it_is_silent_until_another_value_is_there(home: Path) -> None:
    async with stand(home, change=settings) as it:
        await engine(it, turn())
        acted = await choose(it, "keep-home")
        assert await kept_home(it) == {}
        assert await engine(it, turn("another")) == "local"
        assert await kept_home(it) == {}
        await engine(it, turn(memory=f"{USER}- Work: lena@work-place.net\n"))
        assert "1 turn kept" in (await the_alert(it)).text
        assert acted.undo is not None
        await it.core.act(acted.undo)


async def test_what_was_chosen_survives_a_restart(home: Path) -> None:
    async with stand(home, change=settings) as it:
        await engine(it, turn())
        await choose(it, "allow")
    async with stand(home, change=settings) as it:
        assert await engine(it, turn()) == "cloud"
        with pytest.raises(WrongUse, match="no part"):
            await it.core.act(Action(verb="allow", actor="t", agent="writer", id="0" * 16))
        with pytest.raises(WrongUse, match="nothing was said"):
            await it.core.act(Action(verb="withdraw", actor="t", agent="writer", id="redact"))
        with pytest.raises(WrongUse, match="ID"):
            await it.core.act(Action(verb="keep-home", actor="t", agent="writer"))


async def test_the_alert_goes_when_the_part_is_gone(home: Path) -> None:
    async with stand(home, change=settings) as it:
        await engine(it, turn())
        assert await kept_home(it)
        await engine(it, turn(memory="- Name: Lena\n"))
        assert await kept_home(it) == {}


async def test_a_session_without_the_part_does_not_clear_anothers_at_once(home: Path) -> None:
    async with stand(home, change=settings) as it:
        await engine(it, turn())
        for gone in range(3):
            assert len(await kept_home(it)) == 1, gone
            await engine(it, turn(memory="", session="s2"))
        assert await kept_home(it) == {}


async def test_an_old_result_of_a_tool_is_named_with_its_age_from_the_second_turn_on(home: Path) -> None:
    call = ToolCall(id="c1", name="exec", arguments=json.dumps({"command": "cat contacts"}))
    start = (
        Message(role="user", text="Who is in the list?"),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", text=f"1 Lena {MAIL}", tool_call_id="c1"),
    )
    later = (*start, Message(role="assistant", text="Lena."), Message(role="user", text="Who else?"))
    async with stand(home, change=settings) as it:
        await engine(it, Request(id="1", agent="writer", messages=start, session="s"))
        assert await kept_home(it) == {}
        await engine(it, Request(id="2", agent="writer", messages=later, session="s"))
        assert (await the_alert(it)).text.endswith("by private data (e-mail) in its result of exec 1 turn ago")


async def test_the_same_value_in_many_parts_has_one_alert(home: Path) -> None:
    talk = [Message(role="system", text=SYSTEM + f"# USER.md\n\n- Mail: {MAIL}\n")]
    async with stand(home, change=settings) as it:
        for number in range(4):
            talk.append(Message(role="user", text=f"{number}. Is {MAIL} right?"))
            await engine(it, Request(id="r", agent="writer", messages=tuple(talk), session="s"))
            talk.append(Message(role="assistant", text=f"Yes, {MAIL}."))
        alert = await the_alert(it)
        assert "4 turns kept" in alert.text
        assert alert.text.endswith("in its memory file and 5 other parts")
        assert "this value" in alert.choices[0].label


async def test_a_tools_schema_is_named_and_what_does_not_stay_for_privacy_has_no_alert(home: Path) -> None:
    tool = Tool(name="exec", description=f"Runs commands; on trouble write to {MAIL}")
    async with stand(home, change=settings) as it:
        await engine(it, turn(agent="home"))
        await engine(it, turn(agent="only"))
        await engine(it, turn(sensitive=True))
        await it.core.explain(turn())
        assert await kept_home(it) == {}
        await engine(it, turn(memory="", tools=(tool,)))
        assert (await the_alert(it)).text.endswith("by private data (e-mail) in its tool description exec")


async def test_a_memory_file_with_ten_thousand_addresses_has_one_alert_and_no_key_for_all(home: Path) -> None:
    many = "".join(f"- m{number}.ortiz@webmail.net\n" for number in range(10_000))
    async with stand(home, change=settings) as it:
        with suppress(ContextTooLong):  # that no local engine can take it does not make it less of an alert
            await engine(it, turn(memory=many))
        alert = await the_alert(it)
        assert [choice.action.verb for choice in alert.choices] == ["redact", "keep-home"]


async def test_alerts_of_one_agent_are_bounded(home: Path) -> None:
    tools = tuple(Tool(name=f"t{number}", description=f"asks m{number}.ortiz@webmail.net") for number in range(30))
    async with stand(home, change=settings) as it:
        await engine(it, turn(memory="", tools=tools))
        assert len(await kept_home(it)) == 8
