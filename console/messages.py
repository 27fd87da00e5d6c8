"""What the console's parts say to each other: tiny messages, none of them carrying behaviour.

Panes post Ask, CancelAsk, Preview and Act; they bubble to the App, which hands them to the bridge. The bridge answers
with the others. Those do not bubble: the App posts StateChanged to every pane and a chat's own messages to the chat
pane, so a pane handles them as `on_state_changed`, `on_chunk_arrived` and so on.
"""

from dataclasses import dataclass

from textual.message import Message

from backends.types import Acted, Action, Chunk, Explanation, Request, Review
from console.state import ViewState

# ---- up, from a pane to the bridge --------------------------------------------------------------------------------


@dataclass
class Ask(Message):
    """Send a request. `turn` is the asker's own name for it, and comes back with every answer to it."""

    turn: str
    request: Request


@dataclass
class CancelAsk(Message):
    """Stop listening to a turn; the core closes its upstream call."""

    turn: str


@dataclass
class Preview(Message):
    """Ask where a request would go, without sending it. A newer one replaces one still waiting."""

    turn: str
    request: Request

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Preview)


@dataclass
class Act(Message):
    """An operator's order, already confirmed where it needed that."""

    action: Action


@dataclass
class Reconsider(Message):
    """Ask for a review of the ledger."""


# ---- down, from the bridge ----------------------------------------------------------------------------------------


@dataclass
class StateChanged(Message, bubble=False):
    """The newest state; it makes every earlier one needless."""

    state: ViewState

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StateChanged)


@dataclass
class ChunkArrived(Message, bubble=False):
    """A piece of a turn's answer, in order. Neighbouring Deltas arrive joined, at most 20 messages a second a turn."""

    turn: str
    chunk: Chunk


@dataclass
class AskFailed(Message, bubble=False):
    """A turn ended without Done: refused, no engine, or the core went away. `line` says what to do."""

    turn: str
    line: str


@dataclass
class Previewed(Message, bubble=False):
    """The answer to a Preview: an explanation, or a line that says why there is none."""

    turn: str
    explanation: Explanation | None = None
    line: str | None = None


@dataclass
class Reviewed(Message, bubble=False):
    """The answer to Reconsider: a review, or a line that says why there is none."""

    review: Review | None = None
    line: str = ""


@dataclass
class ActDone(Message, bubble=False):
    acted: Acted


@dataclass
class ActFailed(Message, bubble=False):
    line: str


@dataclass
class OpenFailed(Message, bubble=False):
    """There is no core to show. `exit_code` is the error's own."""

    line: str
    exit_code: int
