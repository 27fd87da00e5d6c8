"""A call of a tool that the caller did not offer never reaches it: put right, answered elsewhere, or an error."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.rehearsal.scripted_answers import (
    AnswerEnd,
    ScriptedAnswerer,
    ScriptedRequest,
    ToolInvocation,
    count_prompt,
)
from backends.types import Called, Delta, Done, Tool
from tests.backends.pipeline.saying import calls
from tests.core import Stand, chunks, policy, prompt, stand

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool(name="get_weather", parameters=CITY)
UNKNOWN, MISNAMED, RIGHT = (ToolInvocation(name, {"city": "Rome"}) for name in ("rm_rf", "Get-Weather", "get_weather"))


class Pieces(ScriptedAnswerer):
    """A model that answers with these pieces, each time the same."""

    def __init__(self, *pieces: str | ToolInvocation) -> None:
        self._pieces = pieces

    async def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        for piece in self._pieces:
            yield piece
        yield AnswerEnd(input=count_prompt(ask), output=3, finish="stop")


def local_says(it: Stand, *pieces: str | ToolInvocation) -> None:
    it.ollama.script, it.ollama.answerer = Pieces(*pieces), Pieces(*pieces)


async def heard(it: Stand, **more: Any) -> tuple[str, list[str], Done]:
    found = await chunks(it.core, prompt("good day to you", agent="writer", **more))
    done = found[-1]
    assert isinstance(done, Done)
    text = "".join(chunk.text for chunk in found if isinstance(chunk, Delta))
    return text, [call.name for chunk in found if isinstance(chunk, Called) for call in chunk.calls], done


@pytest.mark.parametrize("tools", [(), (WEATHER,)])
async def test_the_cloud_is_asked_again_then_the_local_engine_answers(home: Path, tools: tuple[Tool, ...]) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "prefer-cloud")) as it:
        it.gemini.script = Pieces(UNKNOWN)
        text, names, done = await heard(it, tools=tools)
        (row,) = it.rows()
        assert calls(it) == (1, 2)
        billed = it.billed()
        budgets = await it.budgets()
    assert text
    assert names == []
    assert (done.outcome.engine, done.outcome.finish) == ("local", "stop")
    assert [each.error and each.error.partition(":")[0] for each in done.outcome.attempts] == ["empty", "empty", None]
    assert (Decimal(row["cost_usd"]), row["finish"]) == (billed, "stop")
    assert all(budget.reserved_usd == 0 for budget in budgets)


async def test_a_call_behind_words_that_were_heard_ends_in_an_error(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "prefer-cloud")) as it:
        it.gemini.script = Pieces("Let me look. ", UNKNOWN, "Done.")
        text, names, done = await heard(it, tools=(WEATHER,))
        assert calls(it) == (0, 1)
        (row,) = it.rows()
    assert (text, names) == ("Let me look. ", [])
    assert (done.outcome.finish, done.outcome.error_kind, row["finish"]) == ("error", "cut", "error")
    assert "not offered" in str(done.outcome.error)


async def test_of_calls_side_by_side_none_is_given(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "local")) as it:
        local_says(it, RIGHT, UNKNOWN)
        text, names, done = await heard(it, tools=(WEATHER,))
    assert (text, names, done.outcome.finish, done.outcome.error_kind) == ("", [], "error", "empty")


@pytest.mark.parametrize("more", [{"tools": (WEATHER,)}, {"tools": (WEATHER,), "tool_choice": "required"}, {}])
async def test_where_only_the_local_engine_may_answer_the_caller_hears_why(home: Path, more: dict[str, Any]) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "local")) as it:
        local_says(it, UNKNOWN)
        text, names, done = await heard(it, **more)
        assert calls(it) == (2, 0)
    assert (text, names) == ("", [])
    assert (done.outcome.finish, done.outcome.error_kind) == ("error", "empty")
    assert "not offered" in str(done.outcome.error)


async def test_no_call_is_given_where_tool_choice_is_none(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "local")) as it:
        local_says(it, RIGHT)
        _, names, done = await heard(it, tools=(WEATHER,), tool_choice="none")
    assert (names, done.outcome.error_kind) == ([], "empty")


@pytest.mark.parametrize("engine", ["local", "cloud"])
@pytest.mark.parametrize("before", [(), ("Let me look. ",)])
async def test_a_name_that_can_only_mean_one_tool_is_given_as_that(
    home: Path, engine: Any, before: tuple[str, ...]
) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", engine)) as it:
        it.gemini.script = Pieces(*before, MISNAMED)
        local_says(it, *before, MISNAMED)
        text, names, done = await heard(it, tools=(WEATHER,))
    assert (text, names, done.outcome.finish) == ("".join(before), ["get_weather"], "stop")
