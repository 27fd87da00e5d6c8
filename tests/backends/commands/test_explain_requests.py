"""Files of requests for `claw explain --request`: each is explained as the gateway would take it."""

import io
import json
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.commands.explain_requests import Explained, explain_all
from backends.commands.recorded_requests import objects, requests
from backends.errors import WrongUse
from backends.settings.model import Settings
from tests.agent_bodies import CHAT, CONVERSATIONS, MEMORY, PROGRAMS, SECOND
from tests.core import Stand, policy, stand

LONGEST = 100_000

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def given(*lines: Any) -> Iterator[tuple[int, bytes]]:
    texts = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return objects(io.BytesIO(b"\n".join(texts)), LONGEST)


async def explained(it: Stand, *lines: Any, agent: str | None = None) -> list[Explained]:
    settings = it.resources.settings
    async with aclosing(explain_all(it.core, settings, given(*lines), agent)) as each:
        return [one async for one in each]


def strict(settings: Settings) -> Settings:
    return policy(settings, "scout", "local")


def test_lines_are_numbered_as_they_stand_and_blank_ones_are_passed_over() -> None:
    assert [number for number, _ in given(b"", {"a": 1}, b"  ", {"b": 2})] == [2, 4]
    assert list(given(b"")) == []


def test_one_object_may_be_laid_out_over_many_lines() -> None:
    (only,) = given(json.dumps(CHAT, indent=2).encode())
    assert json.loads(only[1]) == CHAT
    assert only[0] == 1


def test_an_object_over_many_lines_that_is_cut_is_one_wrong_line() -> None:
    assert len(list(given(json.dumps(CHAT, indent=2).encode()[:-2]))) == 1


def test_a_line_that_is_no_json_leaves_the_others() -> None:
    assert [number for number, _ in given(b"nonsense", CHAT, b"{", CHAT)] == [1, 2, 3, 4]


def test_of_a_line_without_end_only_its_beginning_is_kept() -> None:
    long = json.dumps({"x": "y" * 3 * LONGEST}).encode()
    lines = list(given(CHAT, long, CHAT))
    assert [number for number, _ in lines] == [1, 2, 3]
    assert len(lines[1][1]) <= LONGEST + 1


@pytest.mark.parametrize("dialect", CONVERSATIONS)
async def test_one_conversation_is_explained_alike_in_every_dialect(home: Path, dialect: str) -> None:
    async with stand(home) as it:
        expected, told = [one.explanation for one in await explained(it, CHAT, CONVERSATIONS[dialect])]
    assert (told.ask, told.engine, told.status) == (SECOND, expected.engine, 200)
    assert (told.intent, told.complexity) == (expected.intent, expected.complexity)
    assert told.envelope["tool-result"] == expected.envelope["tool-result"] > 0


@pytest.mark.parametrize("program", PROGRAMS)
async def test_a_programs_first_turn_is_explained_with_its_agent_and_session(home: Path, program: str) -> None:
    body, headers = PROGRAMS[program]
    line = {"id": program, "agent": "writer", "headers": headers, "body": body("Say hello to the workshop")}
    async with stand(home) as it:
        (one,) = await explained(it, line)
    told = one.explanation
    assert (one.id, one.wrong, told.agent, told.status) == (program, "", "writer", 200)
    assert "Say hello to the workshop" in told.ask
    assert told.session
    assert MEMORY not in told.ask or program != "Codex"


async def test_a_line_names_its_agent_before_its_header_and_that_before_the_command(home: Path) -> None:
    header = {"headers": {"X-CLAW-AGENT": "ada"}, "body": CHAT}
    async with stand(home) as it:
        lines = await explained(it, header | {"agent": "writer"}, header, {"body": CHAT}, CHAT, agent="scout")
        (none,) = await explained(it, CHAT | {"model": "coding"})
    assert [one.explanation.agent for one in lines] == ["writer", "ada", "scout", "scout"]
    assert none.explanation.agent == "coding"


async def test_headers_keep_a_request_here_and_name_its_session(home: Path) -> None:
    line = {"headers": {"X-Claw-Sensitive": "true", "x-claw-session": "tuesday"}, "body": CHAT}
    async with stand(home) as it:
        (one,) = await explained(it, line)
    assert (one.explanation.sensitive, one.explanation.engine) == (True, "local")
    assert one.explanation.session == "tuesday"


async def test_what_would_be_refused_is_explained_and_is_no_wrong_line(home: Path) -> None:
    async with stand(home, change=strict) as it:
        unknown, forbidden = await explained(
            it, CHAT | {"model": "gpt-9"}, {"agent": "scout", "body": CHAT | {"model": "cloud"}}
        )
    assert (unknown.explanation.status, unknown.explanation.engine, unknown.wrong) == (404, "", "")
    assert "`gpt-9` does not exist" in unknown.explanation.error
    assert unknown.explanation.ask == SECOND
    assert unknown.explanation.intent
    assert (forbidden.explanation.status, forbidden.wrong) == (403, "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"nonsense", "not valid JSON"),
        ([1, 2], "Expected `object`"),
        ({"id": 5, "body": {"model": "auto"}}, "messages"),
        ({"id": 5, "body": "hello"}, "body"),
        ({"id": 5, "headers": [], "body": CHAT | {"messages": []}}, "messages"),
        ({"id": 5, "headers": "none", "body": CHAT}, "headers"),
        ({"id": 5, "agent": "no name", "body": CHAT}, "Agent"),
        ({"id": 5, "agent": 7, "body": CHAT}, "agent"),
        ({"id": [5], "body": CHAT}, "id"),
        ({"id": 2**70, "body": CHAT}, "id"),
        ({"id": 5, "body": CHAT | {"messages": [{"role": "user", "content": " "}]}}, "empty"),
    ],
)
async def test_a_wrong_line_says_what_is_wrong_and_the_next_is_explained(home: Path, line: Any, says: str) -> None:
    async with stand(home) as it:
        wrong, right = await explained(it, line, {"id": 6, "body": CHAT})
    assert says in wrong.wrong
    assert (wrong.explanation.status, wrong.explanation.engine, wrong.explanation.error) == (400, "", wrong.wrong)
    assert wrong.id == (5 if isinstance(line, dict) and line["id"] == 5 else None)
    assert (right.line, right.id, right.wrong, right.explanation.status) == (2, 6, "", 200)


async def test_explaining_many_leaves_no_trace(home: Path) -> None:
    async with stand(home) as it:
        many = await explained(it, *({"id": number, "body": CHAT} for number in range(50)))
        assert it.rows() == []
    assert [one.id for one in many] == list(range(50))
    assert len({replace(one.explanation, decision_us=0.0).engine for one in many}) == 1


@given_any(st.lists(JSON.map(json.dumps) | st.text(max_size=40), max_size=4))
def test_any_lines_give_one_object_each(lines: list[str]) -> None:
    """Of what is not blank, and over no core: none is asked for what is no request."""
    text = "\n".join(line.replace("\n", " ").replace("\r", " ") for line in lines).encode("utf-8", "surrogatepass")
    numbered = list(objects(io.BytesIO(text), LONGEST))
    assert len(numbered) <= len(lines)
    assert len({number for number, _ in numbered}) == len(numbered)


@given_any(st.dictionaries(st.sampled_from(["id", "agent", "headers", "body"]) | st.text(max_size=4), JSON))
def test_any_object_is_a_request_or_wrong_use(fields: dict[str, Any]) -> None:
    given_lines = json.dumps({"body": CHAT} | fields).encode()
    try:
        (request,) = requests(io.BytesIO(given_lines), LONGEST)
    except WrongUse as error:
        assert str(error).startswith("line 1: ")
    else:
        assert request.messages
