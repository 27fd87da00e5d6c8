"""The chat's requests: a prompt with its conversation and settings, a retry, and the choice among names."""

from collections.abc import Sequence

import msgspec

from backends.identity import new_id
from backends.types import CLOUD, EngineState, Message, Request, Route
from console.bench.attachments import WrittenPrompt
from console.bench.prompt_settings import AUTO, PromptSettings
from console.present.spans import Row, row, span
from console.widgets.chat_turn import ChatTurn


def chat_request(
    prompt: WrittenPrompt, settings: PromptSettings, turns: Sequence[ChatTurn], *, max_bytes: int
) -> Request:
    """The prompt after as much of its conversation as fits in `max_bytes`, newest first.

    A conversation that was sensitive once stays so, because its text is sent too.
    """
    question = prompt.message
    system = (Message(role="system", text=settings.system),) if settings.system else ()
    room = max_bytes - weight(question) - sum(map(weight, system))
    messages: tuple[Message, ...] = (question,)
    sensitive = settings.sensitive
    for turn in reversed(turns):
        pair = turn.messages
        room -= sum(map(weight, pair))
        if room < 0:
            break
        messages = (*pair, *messages)
        sensitive = sensitive or (bool(pair) and turn.sensitive)
    return Request(
        id=new_id(),
        agent=settings.agent,
        messages=(*system, *messages),
        engine=settings.engine,
        model=settings.model or None,
        sampling=settings.sampling,
        cache=settings.cache,
        sensitive=sensitive,
        source="chat",
    )


def weight(message: Message) -> int:
    """Bytes of a message's text and media."""
    return len(message.text.encode()) + sum(len(each.data) for each in message.media)


def retry_request(turn: ChatTurn, engines: Sequence[EngineState]) -> Request:
    """The same request for another engine than the one that answered it, with its own model, never from the cache."""
    engine = _other_engine(turn, engines)
    return msgspec.structs.replace(turn.request, id=new_id(), engine=engine, model=None, cache=False)


def _other_engine(turn: ChatTurn, engines: Sequence[EngineState]) -> Route:
    """The engine after the one that answered, in the settings' order; after the cache, the first in the cloud."""
    took = turn.outcome.engine if turn.outcome else turn.explanation.engine if turn.explanation else turn.request.engine
    names = [engine.name for engine in engines]
    if took in names:
        return names[(names.index(took) + 1) % len(names)]
    return next((engine.name for engine in engines if engine.zone == CLOUD), AUTO)


class NameChoice:
    """One of several names, chosen in a row: arrows move, a letter goes to the next name that starts with it.

    `names` is never empty; a `chosen` that is not among them counts as the first.
    """

    def __init__(self, names: Sequence[str], chosen: str) -> None:
        self._names = list(names)
        self._at = self._names.index(chosen) if chosen in self._names else 0

    @property
    def chosen(self) -> str:
        return self._names[self._at]

    def key(self, key: str, character: str | None) -> bool:
        """Handle a key; false where it means nothing to a choice."""
        if key in ("left", "up", "right", "down"):
            self._at = (self._at + (-1 if key in ("left", "up") else 1)) % len(self._names)
        elif character is not None and character.isprintable():
            order = [*range(self._at + 1, len(self._names)), *range(self._at + 1)]
            self._at = next((index for index in order if self._names[index].startswith(character)), self._at)
        else:
            return False
        return True

    def row(self, title: str) -> Row:
        """The chosen name first, so that a narrow row shows it too."""
        others = [*self._names[self._at + 1 :], *self._names[: self._at]]
        names = " ".join(others)
        return row(span(f"{title} "), span(f" {self.chosen} ", "flag"), span(f" {names}", "dim"))
