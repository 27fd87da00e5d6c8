"""The first bytes of an engine's answers: how long they usually take, how long lately, who waits, and who gave up.

What is usual is the 95th percentile of up to 900 calls, at most one a second, so that a burst of slow ones does not
become usual in no time; of calls that are far slower than usual only every twentieth is taken in.
"""

import math
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

USUAL_CALLS, USUAL_LEAST = 900, 5
LATELY, LATELY_S = 5, 60.0
"""The last calls that tell how an engine is now, and how long they tell it."""

OUTLIER_TIMES, OUTLIER_EACH = 3.0, 20
GIVEN_UP_S, MOST_GIVEN_UP = 2.0, 64
"""The least that a caller must have waited for its leaving to say something of the engine, and callers remembered."""

DENSE = 100
"""Calls that are taken in as they come; later ones at most once a second."""


class Unheard(Struct):
    """A call of which nothing was heard from `since` on, in monotonic seconds: when it was sent, or when the last part
    came. `expected_s` is what so long a prompt usually takes to its first byte, 0 where that is not known.
    """

    agent: str
    since: float
    expected_s: float


class FirstBytes:
    """Times are in seconds, moments on the monotonic clock."""

    def __init__(self) -> None:
        self._usual: deque[float] = deque(maxlen=USUAL_CALLS)
        self._usual_s: float | None = None
        self._taken_at = -math.inf
        self._outliers = 0
        self._lately: deque[tuple[float, float]] = deque(maxlen=LATELY)
        self._unheard: dict[int, Unheard] = {}
        self._streaming: dict[int, Unheard] = {}
        self._given_up: deque[tuple[float, Unheard]] = deque(maxlen=MOST_GIVEN_UP)

    @property
    def usual_s(self) -> float | None:
        """None before five calls."""
        return self._usual_s

    def lately_s(self, now: float) -> float | None:
        """The middle one of the last five calls; None where there were fewer in the last minute."""
        recent = sorted(seconds for at, seconds in self._lately if now - at <= LATELY_S)
        return recent[len(recent) // 2] if len(recent) == LATELY else None

    def slow_from(self, least_s: float) -> float | None:
        """When the first of the last five calls was sent that took so long; None where none did."""
        return min((at - seconds for at, seconds in self._lately if seconds >= least_s), default=None)

    def sent(self, agent: str, now: float, expected_s: float | None) -> Unheard:
        """A call is sent; `gone` must follow."""
        call = Unheard(agent, now, expected_s or 0.0)
        self._unheard[id(call)] = call
        return call

    def heard(self, call: Unheard, now: float) -> None:
        """Something has come of it: its first byte, or more."""
        if self._unheard.pop(id(call), None) is not None:
            self._record(now - call.since, now)
            self._streaming[id(call)] = call
            self._given_up.clear()
        call.since = now

    def left(self, call: Unheard, now: float) -> bool:
        """Its caller left. Did it give up: unheard, and after longer than is usual?"""
        usual_s = max(GIVEN_UP_S, self._usual_s or 0.0, call.expected_s)
        gave_up = id(call) in self._unheard and now - call.since > usual_s
        if gave_up:
            self._given_up.append((now, call))
        return gave_up

    def gone(self, call: Unheard) -> None:
        """It has ended, heard or not."""
        self._unheard.pop(id(call), None)
        self._streaming.pop(id(call), None)

    def unheard(self) -> Sequence[Unheard]:
        """Those that wait for their first byte, the longest first."""
        return list(self._unheard.values())

    def given_up(self, now: float) -> Sequence[Unheard]:
        """Those whose callers gave up in the last minute, the first one first; none once a call was heard again."""
        return [call for at, call in self._given_up if now - at <= LATELY_S]

    def forget(self) -> None:
        """How it was lately says nothing any more, nor do the calls that still wait."""
        self._lately.clear()
        self._unheard.clear()
        self._given_up.clear()

    def stalled(self, since: float) -> Sequence[Unheard]:
        """Those that had begun to answer and of which nothing has come from `since` on."""
        return [call for call in self._streaming.values() if call.since < since]

    def _record(self, seconds: float, now: float) -> None:
        self._lately.append((now, seconds))
        if len(self._usual) >= DENSE and now - self._taken_at < 1.0:
            return
        if self._usual_s is not None and seconds > OUTLIER_TIMES * self._usual_s:
            self._outliers += 1
            if self._outliers % OUTLIER_EACH:
                return
        self._taken_at = now
        self._usual.append(seconds)
        if len(self._usual) >= USUAL_LEAST:
            ordered = sorted(self._usual)
            self._usual_s = ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)]
