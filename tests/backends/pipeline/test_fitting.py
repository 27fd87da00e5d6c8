"""A prompt that does not fit a local window: what is left out, what never is, and that it stays the same over turns."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.engines.base import Call
from backends.errors import ContextTooLong
from backends.identity import new_id
from backends.pipeline.fitting import NAMES, REMEMBERED, Fitting, FittingMemory, fit
from backends.rehearsal.faults import Fault
from backends.settings.model import Settings
from backends.types import Message, Request, Tool, ToolCall
from backends.upstream.token_count import count, count_tool
from tests.backends.engines.rig import CALL
from tests.core import ask, policy, stand


def tool(name: str, words: int = 50) -> Tool:
    return Tool(name=name, description="does this " * words, parameters={"type": "object"})


def used(name: str, number: int, words: int = 200) -> tuple[Message, Message]:
    """A call, and its result."""
    id = f"c{number}"
    call = ToolCall(id=id, name=name, arguments=f'{{"number": {number}}}')
    return Message(role="assistant", tool_calls=(call,)), Message(
        role="tool", text=f"{chr(97 + number % 26) * 4} " * words, tool_call_id=id
    )


TOOLS = tuple(tool(name, words) for name, words in (("read", 50), ("write", 60), ("search", 300), ("browse", 200)))
SYSTEM = Message(role="system", text="You have browse and others.\nYou must always call write at the end.")
ASK = Message(role="user", text="Find the bug.")


def session(turns: int, *, words: int = 200, **more: Any) -> Call:
    """An agent that has read so many files since it was asked."""
    work = [message for number in range(turns) for message in used("read", number, words)]
    return replace(CALL, messages=(SYSTEM, ASK, *work), tools=TOOLS, **more)


def size(call: Call) -> int:
    return count(call.messages) + sum(map(count_tool, call.tools))


def fitted(call: Call, room: int, earlier: Fitting | None = None, said: str = ASK.text) -> Fitting | None:
    return fit(call, size(call), room=room, ask=said, earlier=earlier)


def shown(call: Call, room: int) -> tuple[list[str], list[str]]:
    """The tools and the cleared results that are left."""
    found = fitted(call, room)
    assert found is not None
    left = found.apply(call)
    assert size(left) <= room
    assert found.tokens >= size(left)
    return [each.name for each in left.tools], [each.text for each in left.messages if "cleared" in each.text]


def test_what_fits_is_left_alone() -> None:
    call = session(3)
    found = fitted(call, size(call))
    assert found == Fitting(tokens=size(call))
    assert not found
    assert found.apply(call) is call


def test_unused_tools_go_first_those_that_nobody_names_before_the_others() -> None:
    whole = size(session(1))
    assert shown(session(1), whole - 1) == (["read", "write", "browse"], [])
    assert shown(session(1), whole - count_tool(TOOLS[2]) - 1) == (["read", "write"], [])


def test_then_the_oldest_results_each_with_a_line_that_says_what_it_was() -> None:
    call = session(6)
    room = size(replace(call, tools=TOOLS[:2])) - 100
    tools, cleared = shown(call, room)
    assert tools == ["read", "write"]
    assert cleared == ["[result of read, 1,000 characters, cleared to fit]"] * len(cleared)
    assert 1 <= len(cleared) <= 3
    found = fitted(call, room)
    assert found is not None
    assert found.cleared == {f"c{number}" for number in range(len(cleared))}
    assert found.note.startswith("to fit the window: 2 unused tools left out, ")


def test_the_ask_the_system_text_and_what_was_not_answered_yet_never_go() -> None:
    call = session(6)
    least = next(room for room in range(1, size(call)) if fitted(call, room) is not None)
    found = fitted(call, least)
    assert found is not None
    assert found.apply(call).messages[:2] == call.messages[:2]
    assert found.apply(call).messages[-1] == call.messages[-1]
    assert found.cleared == {f"c{number}" for number in range(5)}
    assert fitted(call, least - 1) is None


@pytest.mark.parametrize(
    ("choice", "said", "kept"),
    [
        ("auto", "Find the bug.", ["read", "write"]),
        ("auto", "Find it, then search for more.", ["read", "write", "search"]),
        ("browse", "Find the bug.", ["read", "write", "browse"]),
        ("auto", "A research, browsed.", ["read", "write"]),
    ],
)
def test_tools_that_are_used_required_named_or_to_be_called_stay(choice: str, said: str, kept: list[str]) -> None:
    call = session(2, tool_choice=choice)
    least = next(room for room in range(1, size(call)) if fitted(call, room, said=said) is not None)
    found = fitted(call, least, said=said)
    assert found is not None
    assert [each.name for each in found.apply(call).tools] == kept


def test_a_call_that_must_call_a_tool_keeps_one() -> None:
    call = replace(CALL, messages=(Message(role="user", text="word " * 900),), tools=TOOLS, tool_choice="required")
    found = fitted(call, size(replace(call, tools=TOOLS[:1])))
    assert found is not None
    assert [each.name for each in found.apply(call).tools] == ["read"]


rooms = st.floats(0.2, 1.2)
turns = st.lists(st.integers(1, 400), min_size=1, max_size=12)


@given(turns, rooms, rooms)
def test_less_room_leaves_out_more_and_every_result_keeps_its_call(words: list[int], one: float, other: float) -> None:
    work = [message for number, many in enumerate(words) for message in used("read", number, many)]
    call = replace(CALL, messages=(SYSTEM, ASK, *work), tools=TOOLS)
    more, less = (fitted(call, int(share * size(call))) for share in sorted((one, other), reverse=True))
    if less is not None:
        assert more is not None
        assert more.dropped <= less.dropped
        assert more.cleared <= less.cleared
        left = less.apply(call)
        assert [(each.role, each.tool_call_id, each.tool_calls) for each in left.messages] == [
            (each.role, each.tool_call_id, each.tool_calls) for each in call.messages
        ]


@given(turns, st.integers(900, 6_000))
def test_over_a_session_what_is_out_stays_out_and_most_turns_keep_their_prefix(words: list[int], room: int) -> None:
    earlier: Fitting | None = None
    before: Call | None = None
    changes = 0
    for count_of in range(1, len(words) + 1):
        work = [message for number, many in enumerate(words[:count_of]) for message in used("read", number, many)]
        call = replace(CALL, messages=(SYSTEM, ASK, *work), tools=TOOLS)
        found = fitted(call, room, earlier)
        if found is None:
            return
        if earlier:
            assert earlier.dropped <= found.dropped
            assert earlier.cleared <= found.cleared
            assert found == replace(fitted(call, room, found) or Fitting(), tokens=found.tokens)
        left = found.apply(call)
        begins = None if before is None else (left.tools, left.messages[: len(before.messages)])
        if before is not None and begins != (before.tools, before.messages):
            changes += 1
            assert earlier is not None
            assert found.dropped | found.cleared > earlier.dropped | earlier.cleared
        earlier, before = found, left
    assert changes <= len(words)


def test_a_prompt_that_became_much_shorter_is_sent_whole_again_and_one_beyond_all_measure_is_not_tried() -> None:
    earlier = Fitting(dropped=frozenset({"search"}), cleared=frozenset({"c0"}))
    small = session(2)
    assert fitted(small, 10 * size(small), earlier) == Fitting(tokens=size(small))
    assert fitted(session(60, words=400), 1_500) is None


def test_the_memory_is_bounded() -> None:
    memory = FittingMemory()
    left_out = Fitting(dropped=frozenset({"search"}))
    for number in range(REMEMBERED + 1):
        memory.keep(f"s{number}", "local", "m", left_out)
    memory.keep("big", "local", "m", Fitting(cleared=frozenset(map(str, range(NAMES + 1)))))
    assert [memory.find(session, "local", "m") for session in ("s0", "big")] == [None] * 2
    assert memory.find("s1", "local", "m") == left_out
    memory.keep("s1", "local", "m", Fitting())
    assert memory.find("s1", "local", "m") is None


# ---- through the core ---------------------------------------------------------------------------------------------


def small_window(settings: Settings) -> Settings:
    local = replace(settings.engines["local"], context=6_000)
    settings = replace(settings, engines=settings.engines | {"local": local})
    return policy(settings, "ops", "prefer-local")


def request(turns: int, agent: str) -> Request:
    call = session(turns, words=400)
    return Request(id=new_id(), agent=agent, messages=call.messages, tools=call.tools, session="s1", cache=False)


async def test_a_local_agents_long_session_is_answered_and_its_row_says_what_was_left_out(home: Path) -> None:
    async with stand(home, change=small_window) as it:
        explained = await it.core.explain(request(12, "infra"))
        _, outcome = await ask(it.core, request(12, "infra"))
    assert (explained.engine, outcome.engine, outcome.finish) == ("local", "local", "stop")
    (reason,) = [reason.detail for reason in explained.reasons if reason.rule == "fitting"]
    assert reason in outcome.notes
    assert it.ollama.usage.calls[-1].input <= 6_000


async def test_what_was_left_out_of_one_agents_session_stays_in_anothers_of_the_same_name(home: Path) -> None:
    async with stand(home, change=small_window) as it:
        await ask(it.core, request(12, "infra"))
        same, other = [await it.core.explain(request(5, agent)) for agent in ("infra", "ops")]
    fitting = [[reason.detail for reason in each.reasons if reason.rule == "fitting"] for each in (same, other)]
    assert fitting[0]
    assert not fitting[1]


async def test_where_the_cloud_may_answer_it_gets_the_whole(home: Path) -> None:
    async with stand(home, change=small_window) as it:
        _, outcome = await ask(it.core, request(12, "ops"))
        explained = await it.core.explain(request(12, "ops"))
    (local,) = [way for way in explained.alternatives if way.engine == "local"]
    assert (outcome.engine, local.ruled_out_by) == ("cloud", "fitting")
    assert not [note for note in outcome.notes if "to fit" in note]


async def test_what_cannot_be_made_to_fit_is_refused_as_too_long(home: Path) -> None:
    async with stand(home, change=small_window) as it:
        long = replace(request(2, "infra"), messages=(SYSTEM, Message(role="user", text="word " * 8_000)))
        with pytest.raises(ContextTooLong, match="maximum context length is 6000 tokens"):
            await ask(it.core, long)
        assert it.ollama.usage.counts()["calls"] == {}


async def test_an_engine_that_counts_more_than_we_do_gets_a_shorter_prompt_the_next_time(home: Path) -> None:
    """Our own count says that it fits; Ollama says that it does not."""
    async with stand(home, change=small_window) as it:
        work = request(3, "infra")
        dense = Message(role="user", text="word " * 1_200)
        first = replace(work, messages=(SYSTEM, dense, *work.messages[1:]))
        it.ollama.inject(
            Fault(kind="status", status=400, body={"error": "the input length exceeds the context length"})
        )
        before = await it.core.explain(first)
        _, refused = await ask(it.core, first)
        after = await it.core.explain(replace(first, id=new_id()))
    assert (refused.finish, refused.error_kind) == ("error", "context")
    assert not [reason for reason in before.reasons if reason.rule == "fitting"]
    assert [reason.detail for reason in after.reasons if reason.rule == "fitting"]
