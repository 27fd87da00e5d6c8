"""The core's time between two events, and when the screen needs it again: each second while something on it counts,
else each minute.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from backends.events import Event, HostSampled
from console.state import ViewState

COUNTED = timedelta(minutes=1)
"""For how long a request's age is shown in seconds."""


class CoreClock:
    """`now` is this machine's clock. The core may be on another one, so the difference is measured at each snapshot."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._ahead = timedelta()

    def heard(self, at: datetime) -> None:
        """The core's clock says `at`."""
        self._ahead = at - self._now()

    def heard_of(self, event: Event) -> None:
        """Only a sample of the host is published as soon as it has its time."""
        if isinstance(event, HostSampled):
            self.heard(event.reading.at)

    def core_now(self, state: ViewState) -> datetime | None:
        """The core's time; None before any core. It stands still while the core is gone: nobody knows what lasts on."""
        if state.connection.phase == "lost":
            return state.now
        return None if state.at is None else self._now() + self._ahead

    def next_s(self, state: ViewState) -> float | None:
        """Seconds until the screen needs the time again, or how far away a past moment is; None where it stands still.

        Ages in seconds need it a second after the last frame, and not as soon as each second begins: where samples come
        each second, they bring the time, and it costs no frame of its own.
        """
        now = self.core_now(state)
        if now is None or state.connection.phase == "lost":
            return None
        passed = now.microsecond / 1e6
        if state.past:
            return 60.0 - now.second - passed
        return 1.0 if counts_seconds(state, now) else 60.0 - now.second - passed


def counts_seconds(state: ViewState, now: datetime) -> bool:
    """Whether the age of something on screen is counted in seconds."""
    return bool(
        state.alerts
        or state.in_flight
        or any(engine.waiting or engine.silent_s is not None for engine in state.engines)
        or (state.exchanges and now - state.exchanges[-1].at < COUNTED)
    )
