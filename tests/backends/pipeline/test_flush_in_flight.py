"""What an operator flushed does not come back by an answer that was on its way."""

from contextlib import aclosing
from pathlib import Path

from msgspec.structs import replace

from backends.types import Action, Delta
from tests.core import ask, policy, prompt, stand


async def test_an_answer_in_flight_during_a_flush_is_not_stored(home: Path) -> None:
    async with stand(home, change=lambda settings: policy(settings, "writer", "cloud")) as it:
        it.gemini.behaviour = replace(it.gemini.behaviour, tokens_per_s=200.0, chunk_tokens=1)
        flushed = False
        async with aclosing(it.core.ask(prompt("Say something long", agent="writer"))) as answer:
            async for chunk in answer:
                if isinstance(chunk, Delta) and not flushed:
                    flushed = True
                    await it.core.act(Action(verb="flush-cache", actor="t"))
        assert flushed
        seen = [(await ask(it.core, prompt("Say something long", agent="writer")))[1].cache for _ in range(2)]
        assert seen == ["miss", "exact"]
