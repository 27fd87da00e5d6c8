"""The messages between the console's parts. None of them carries behaviour.

Panes post SendRequest, CancelRequest, PreviewRoute, RequestReview, RequestTimeline and RunAction, and those that move
through time. These bubble to the App, which hands them to the bridge. The bridge answers with the others. Those do not
bubble: the App posts StateChanged to every pane and a chat's own messages to the chat pane, so a pane handles them as
`on_state_changed`, `on_chunk_arrived` and so on.
"""

from dataclasses import dataclass
from datetime import datetime

from textual.message import Message

from backends.types import Acted, Action, Chunk, Explanation, Request, Review, Timeline
from console.state import ViewState

# ---- from a pane to the bridge ------------------------------------------------------------------------------------


@dataclass
class SendRequest(Message):
    """Send a request. `turn` is the sender's name for it; every answer to it carries that name."""

    turn: str
    request: Request


@dataclass
class CancelRequest(Message):
    """Stop a turn; the core closes its upstream call."""

    turn: str


@dataclass
class PreviewRoute(Message):
    """Find out where a request would go, without sending it. A newer one replaces one that still waits."""

    turn: str
    request: Request

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, PreviewRoute)


@dataclass
class RunAction(Message):
    """Run an operator's action. The App asks first where it costs money or stops traffic, unless the operator has
    `confirmed` it; the question begins with what the action is `about`, where that is given.
    """

    action: Action
    about: str = ""
    confirmed: bool = False


@dataclass
class RequestReview(Message):
    """Request a review of the ledger."""


@dataclass
class RequestTimeline(Message):
    """Request what happened between two moments. A newer one replaces one that still waits."""

    since: datetime
    until: datetime


@dataclass
class MoveInTime(Message):
    """Show the moment that lies so many minutes after the one on screen, before it where they are below zero."""

    minutes: int


@dataclass
class ShowMoment(Message):
    """Show this moment of the past."""

    at: datetime


@dataclass
class LiveOnly(Message):
    """A key was pressed that acts, and the screen shows the past."""


@dataclass
class RowLeft(Message):
    """A key was pressed that acts, and the row that it was about is no longer in the list."""


# ---- from the bridge to a pane ------------------------------------------------------------------------------------


@dataclass
class StateChanged(Message, bubble=False):
    """The newest state. It replaces every earlier one."""

    state: ViewState

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StateChanged)


@dataclass
class ChunkArrived(Message, bubble=False):
    """A piece of a turn's answer, in order. Adjacent Deltas arrive joined, at most 20 messages a second a turn."""

    turn: str
    chunk: Chunk


@dataclass
class AnswerFailed(Message, bubble=False):
    """A turn ended without Done: refused, no engine, or the core went away. `line` says what to do."""

    turn: str
    line: str


@dataclass
class RoutePreviewed(Message, bubble=False):
    """The answer to PreviewRoute: an explanation, or a line that says why there is none."""

    turn: str
    explanation: Explanation | None = None
    line: str | None = None


@dataclass
class ReviewLoaded(Message, bubble=False):
    """The answer to RequestReview: a review, or a line that says why there is none."""

    review: Review | None = None
    line: str = ""


@dataclass
class TimelineLoaded(Message, bubble=False):
    """The answer to RequestTimeline: a timeline, or a line that says why there is none."""

    timeline: Timeline | None = None
    line: str = ""


@dataclass
class ActionSucceeded(Message, bubble=False):
    """The core has done what RunAction asked for."""

    acted: Acted


@dataclass
class ActionFailed(Message, bubble=False):
    """The core has not done what RunAction asked for; the line says why."""

    line: str


@dataclass
class OpenFailed(Message, bubble=False):
    """No core could be opened. `exit_code` is the error's own."""

    line: str
    exit_code: int
