"""The chat's requests: a prompt with its conversation and options, a retry, and the choice among names."""

from collections.abc import Sequence

import msgspec

from backends.identity import new_id
from backends.types import CLOUD, EngineState, Message, Request, Route
from console.present.chat_rows import RequestOptions
from console.present.spans import Row, row, span
from console.widgets.transcript import ChatTurn

AUTO: Route = "auto"


def chat_request(prompt: str, options: RequestOptions, turns: Sequence[ChatTurn], *, max_bytes: int) -> Request:
    """The prompt after as much of its conversation as fits in `max_bytes`, newest first.

    A conversation that was sensitive once stays so, because its text is sent too.
    """
    question = Message(role="user", text=prompt)
    room = max_bytes - len(prompt.encode())
    messages: tuple[Message, ...] = (question,)
    sensitive = options.sensitive
    for turn in reversed(turns):
        pair = turn.messages
        room -= sum(len(message.text.encode()) for message in pair)
        if room < 0:
            break
        messages = (*pair, *messages)
        sensitive = sensitive or (bool(pair) and turn.sensitive)
    return Request(
        id=new_id(), agent=options.agent, messages=messages, engine=options.route, sensitive=sensitive, source="chat"
    )


def retry_request(turn: ChatTurn, engines: Sequence[EngineState]) -> Request:
    """The same request for another engine than the one that answered it, and never from the cache."""
    return msgspec.structs.replace(turn.request, id=new_id(), engine=_other_engine(turn, engines), cache=False)


def conversation(turns: Sequence[ChatTurn]) -> Sequence[ChatTurn]:
    """The turns since the newest one that started a conversation."""
    first = next((index for index in range(len(turns) - 1, -1, -1) if turns[index].starts_conversation), 0)
    return turns[first:]


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
