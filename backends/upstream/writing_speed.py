"""How fast an engine writes: usually, and lately, which a running answer already tells.

Measured in characters, since tokens are counted at an answer's end alone, and told in tokens a second. What is usual is
the median of up to 300 answers, at most one a second. How it is lately is told by the fastest of a few answers, since a
single slow one says nothing of the engine.
"""

from collections import deque
from statistics import median

from msgspec import Struct

USUAL_ANSWERS, USUAL_LEAST = 300, 5
SHORTEST_S, SHORTEST = 0.2, 20
"""An answer that was written faster than this, or is shorter, came in a few pieces: it tells no speed."""

JUDGED_S = 2.0
"""How long an answer must have been written before it tells how the engine is lately."""

LATELY_S, LATELY_ANSWERS = 60.0, 3
SLOW_TIMES = 3.0
"""How many times slower than usual makes requests be routed by how it is lately."""


CHARACTERS = 4.0
"""Of a token, about; what is compared are speeds, not languages."""


class Writing(Struct):
    """An answer that is being written, from its first text on."""

    began: float
    characters: int = 0


class WritingSpeed:
    """Times are in seconds on the monotonic clock, speeds in tokens a second."""

    def __init__(self) -> None:
        self._usual: deque[float] = deque(maxlen=USUAL_ANSWERS)
        self._usual_speed: float | None = None
        self._taken_at = 0.0
        self._running: dict[int, Writing] = {}
        self._ended: deque[tuple[float, float, float]] = deque(maxlen=USUAL_ANSWERS)

    @property
    def usual(self) -> float | None:
        """None before five answers."""
        return self._usual_speed

    def lately(self, now: float) -> float | None:
        """The fastest of the answers that tell how it is lately; None where there is none."""
        return max((speed for _, speed in self._telling(now)), default=None)

    def slow(self, now: float) -> float | None:
        """How fast it writes lately, where that is much slower than usual; None where it is not, or is not known."""
        lately = self.lately(now)
        if lately is None or self._usual_speed is None or lately * SLOW_TIMES >= self._usual_speed:
            return None
        return lately

    def slow_since(self, now: float) -> float:
        """When the first of the answers began that tell how it is lately."""
        return min((began for began, _ in self._telling(now)), default=now)

    def wrote(self, writing: Writing | None, text: str, now: float) -> Writing | None:
        """Text has come. `writing` is what the last call returned, None for the first; `ended` must follow."""
        if writing is None and text:
            writing = Writing(began=now)
            self._running[id(writing)] = writing
        elif writing is not None:
            writing.characters += len(text)  # what came with the first text took its time before it
        return writing

    def ended(self, writing: Writing | None, now: float) -> None:
        """An answer is over, whole or not."""
        if writing is None or self._running.pop(id(writing), None) is None:
            return
        took_s = now - writing.began
        if took_s < SHORTEST_S or writing.characters < SHORTEST:
            return
        speed = writing.characters / CHARACTERS / took_s
        self._ended.append((writing.began, now, speed))
        if len(self._usual) < USUAL_LEAST or now - self._taken_at >= 1.0:
            self._taken_at = now
            self._usual.append(speed)
            self._usual_speed = median(self._usual) if len(self._usual) >= USUAL_LEAST else None

    def _telling(self, now: float) -> list[tuple[float, float]]:
        """When each answer began that tells how it is lately, and its speed.

        They are those that run for long enough and all that ended meanwhile; where none runs, the last three
        of a minute.
        """
        running = [(one.began, one.characters) for one in self._running.values() if now - one.began >= JUDGED_S]
        since = min((began for began, _ in running), default=now - LATELY_S)
        ended = [(began, speed) for began, at, speed in self._ended if at >= since]
        return [*ended[-LATELY_ANSWERS:], *((began, text / CHARACTERS / (now - began)) for began, text in running)]
