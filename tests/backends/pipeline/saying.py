"""A local model that says what a test tells it to, one text a call, and a stand in which that is checked."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.rehearsal.scripted_answers import AnswerEnd, ScriptedRequest, count_prompt, cut
from backends.settings.model import Settings
from backends.types import ResponseFormat, Verify
from tests.core import Stand, policy, stand

JSON = ResponseFormat(kind="json")
GOOD, BAD = '{"answer":"blue"}', "Sure! The answer is blue."


async def _nothing() -> None: ...


class Says:
    """An answerer for the Ollama twin: the texts in turn, the last one for ever. `first` runs before each answer."""

    def __init__(self, *texts: str, finish: Any = "stop", first: Callable[[], Awaitable[Any]] = _nothing) -> None:
        self._texts = list(texts)
        self._finish = finish
        self._first = first

    async def answer(self, ask: ScriptedRequest) -> AsyncGenerator[str | AnswerEnd]:
        await self._first()
        tokens = cut(self._texts.pop(0) if len(self._texts) > 1 else self._texts[0])
        for token in tokens:
            yield token
        yield AnswerEnd(input=count_prompt(ask), output=len(tokens), finish=self._finish)


def checked(
    home: Path, mode: Verify = "format", change: Callable[[Settings], Settings] = lambda settings: settings
) -> AbstractAsyncContextManager[Stand]:
    """A stand whose agent "writer" asks local first, and whose local answers are checked as `mode` says."""

    def changed(settings: Settings) -> Settings:
        settings = policy(settings, "writer", "prefer-local")
        return change(replace(settings, router=replace(settings.router, verify=mode)))

    return stand(home, change=changed)


def calls(it: Stand) -> tuple[int, int]:
    """How many calls each twin was sent, local and cloud, by their own accounts."""
    return sum(it.ollama.usage.counts()["calls"].values()), sum(it.gemini.usage.counts()["calls"].values())
