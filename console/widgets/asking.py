"""Who asks, whom, and what goes along: the chat's choices, and the requests they make."""

from collections.abc import Sequence

import msgspec

from backends.identity import new_id
from backends.types import EngineName, Message, Request, Route
from console.widgets.transcript import Turn

DEFAULT_AGENT = "default"
ROUTES: tuple[Route, ...] = ("auto", "local", "cloud")


class Asking:
    """The agent, the engine and the privacy that the next prompt is sent with."""

    def __init__(self) -> None:
        self.agent = DEFAULT_AGENT
        self.route: Route = "auto"
        self.sensitive = False

    def next_route(self) -> None:
        self.route = ROUTES[(ROUTES.index(self.route) + 1) % len(ROUTES)]

    def request(self, prompt: str, turns: Sequence[Turn], *, max_bytes: int) -> Request:
        """The prompt behind as much of its conversation as fits in `max_bytes`, newest first.

        What was sensitive once in a conversation stays so: its text goes along.
        """
        question = Message(role="user", text=prompt)
        room = max_bytes - len(prompt.encode())
        messages: tuple[Message, ...] = (question,)
        sensitive = self.sensitive
        for turn in reversed(turns):
            pair = turn.messages
            room -= sum(len(message.text.encode()) for message in pair)
            if room < 0:
                break
            messages = (*pair, *messages)
            sensitive = sensitive or (bool(pair) and turn.sensitive)
        return Request(
            id=new_id(), agent=self.agent, messages=messages, engine=self.route, sensitive=sensitive, source="chat"
        )


def again(turn: Turn) -> Request:
    """The same request for the engine that did not answer it, and never out of the cache."""
    return msgspec.structs.replace(turn.request, id=new_id(), engine=_other(turn), cache=False)


def conversation(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The turns since the newest one that began a conversation."""
    first = next((index for index in range(len(turns) - 1, -1, -1) if turns[index].starts_conversation), 0)
    return turns[first:]


def _other(turn: Turn) -> EngineName:
    """An answer from the cache counts as that of the engine it would have gone to."""
    took = turn.outcome.engine if turn.outcome else turn.explanation.engine if turn.explanation else turn.request.engine
    return "local" if took == "cloud" else "cloud"
