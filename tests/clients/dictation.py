"""The model behind the twins in these tests: it calls the tools that the prompt dictates, and writes prose else.

A prompt "Please do weather(Rome) weather(Oslo) then clock(Rome)" has two steps: both calls of the first come in one
answer, the next step follows once their results are there, and prose once no step is left. "Say <<…>>" dictates text.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from backends.rehearsal.script import Ask, Invocation, Script, Spent, count_prompt
from backends.rehearsal.writing_calls import local_answer

CALL = re.compile(r"\b(\w+)\((\w+)\)")
SAID = re.compile(r"Say <<(.*?)>>", re.DOTALL)


class Dictated(Script):
    """Takes the place of a twin's script."""

    async def answer(self, ask: Ask) -> AsyncGenerator[str | Invocation | Spent]:
        if ask.tools and ask.schema is not None:
            async with aclosing(local_answer(ask, "calls")) as pieces:
                async for piece in pieces:
                    yield piece
            return
        step = calls_of(ask)
        if step:
            for call in step:
                yield call
            yield Spent(input=count_prompt(ask), output=12 * len(step), finish="stop")
            return
        if said := SAID.search(ask.prompt):
            yield said[1]
            yield Spent(input=count_prompt(ask), output=12, finish="stop")
            return
        # Of the script's own tool calling only the forced kind is wanted: its words are not these prompts' words.
        plain = ask if ask.must_call else replace(ask, tools=())
        async with aclosing(super().answer(plain)) as pieces:
            async for piece in pieces:
                # The tools are part of the prompt all the same.
                yield replace(piece, input=count_prompt(ask)) if isinstance(piece, Spent) else piece


def calls_of(ask: Ask) -> list[Invocation]:
    """The calls of the step that is due: as many steps are done as the assistant has spoken since the last question."""
    declared = {tool.name: tool for tool in ask.tools}
    roles = [turn.role for turn in ask.turns]
    if not declared or "user" not in roles:
        return []
    since = roles[len(roles) - roles[::-1].index("user") :]
    steps = ask.prompt.split(" then ")
    done = since.count("assistant")
    if done >= len(steps):
        return []
    found = CALL.findall(steps[done])
    return [Invocation(name, {"city": city}) for name, city in found if name in declared]
