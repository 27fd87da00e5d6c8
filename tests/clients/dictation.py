"""The model behind the twins in these tests: it calls the tools that the prompt dictates, and writes prose else.

A prompt "Please do weather(Rome) weather(Oslo) then clock(Rome)" has two steps: both calls of the first come in one
answer, the next step follows once their results are there, and prose once no step is left. "Say <<…>>" dictates text.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from msgspec.structs import replace

from backends.rehearsal.scripted_answers import (
    AnswerEnd,
    ScriptedAnswerer,
    ScriptedRequest,
    ToolInvocation,
    count_prompt,
)
from backends.rehearsal.tool_call_text import local_answer

CALL = re.compile(r"\b(\w+)\((\w+)\)")
SAID = re.compile(r"Say <<(.*?)>>", re.DOTALL)


class Dictated(ScriptedAnswerer):
    """Takes the place of a twin's script."""

    async def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        async with aclosing(self._source(ask)) as pieces:
            async for piece in pieces:
                # The tools are part of the prompt, whichever way the answer is written.
                yield replace(piece, input=count_prompt(ask)) if isinstance(piece, AnswerEnd) else piece

    def _source(self, ask: ScriptedRequest) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
        calls = calls_of(ask)
        if calls and ask.schema is not None:  # held to a form, a local model writes its call as JSON
            return _spoken(msgspec.json.encode({"name": calls[0].name, "arguments": calls[0].arguments}).decode())
        if calls:
            return _spoken(*calls)
        if said := SAID.search(ask.prompt):
            return _spoken(said[1])
        if ask.tools and ask.schema is not None:
            return local_answer(ask, "calls")
        # Of the script's own calling only the forced kind is wanted: its words are not these prompts' words.
        return super().answer(ask if ask.must_call else replace(ask, tools=()))


async def _spoken(*pieces: str | ToolInvocation) -> AsyncGenerator[str | ToolInvocation | AnswerEnd]:
    for piece in pieces:
        yield piece
    yield AnswerEnd(input=0, output=12 * len(pieces), finish="stop")


def calls_of(ask: ScriptedRequest) -> list[ToolInvocation]:
    """The calls of the step that is due.

    As many steps are done as the assistant has spoken since the last question that dictates any: a client that turns
    results into a user's words, as smolagents does, asks no new question by that.
    """
    asked = [at for at, turn in enumerate(ask.turns) if turn.role == "user" and CALL.search(turn.text)]
    if not ask.tools or not asked:
        return []
    steps = ask.turns[asked[-1]].text.split(" then ")
    done = sum(turn.role == "assistant" for turn in ask.turns[asked[-1] :])
    due = CALL.findall(steps[done]) if done < len(steps) else []
    names = {tool.name: next(iter(tool.schema.get("properties", {"city": {}}))) for tool in ask.tools}
    return [ToolInvocation(name, {names[name]: value}) for name, value in due if name in names]
