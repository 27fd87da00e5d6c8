"""How long a caller waits: for the first byte, for any progress after it, and, where it sets a limit, for the whole."""

from msgspec import Struct

from backends.types import Request


class Deadline(Struct, frozen=True, kw_only=True):
    """`started` is on the monotonic clock; `patience_s` holds to the first byte and for any silence after it.

    `timeout_s` limits the whole answer, None where the caller sets no such limit.
    """

    started: float
    patience_s: float
    timeout_s: float | None = None

    @classmethod
    def of(cls, request: Request, started: float) -> "Deadline":
        """That of a request which has been normalised."""
        return cls(started=started, patience_s=request.deadline_s or 0.0, timeout_s=request.timeout_s)

    def left_s(self, now: float, progress_at: float | None = None) -> float:
        """Seconds that its caller still waits, never below 0; `progress_at` is when an engine last sent anything."""
        patience = (self.started if progress_at is None else progress_at) + self.patience_s - now
        whole = patience if self.timeout_s is None else self.started + self.timeout_s - now
        return max(0.0, min(patience, whole))
