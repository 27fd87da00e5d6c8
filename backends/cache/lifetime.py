"""How long an answer stays true, which answers may be stored at all, and the clock that expiry goes by."""

from collections.abc import Mapping, Sequence

from backends.cache.cache_key import question_of
from backends.cache.self_contained import asks_for_now, stands_alone
from backends.clock import Clock
from backends.types import Finish, Request

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0

LIFETIME_S: dict[str, float] = {
    "health-check": 15,
    "trend-analysis": 6 * HOUR,
    "research": DAY,
    "chat": DAY,
    "planning": DAY,
    "audit": DAY,
    "debugging": 7 * DAY,
    "creative-writing": 7 * DAY,
    "coding": 30 * DAY,
    "maths-logic": 90 * DAY,
    "rewriting": 90 * DAY,
    "summarising": 90 * DAY,
    "extraction": 90 * DAY,
    "classification": 90 * DAY,
    "translation": 180 * DAY,
    "tool-use": 0,
}
"""Seconds by intent. A reading of a system's state ages in seconds, a translation hardly at all, a tool's result at
once."""

NEVER_WITH_TOOLS = frozenset({"tool-use", "health-check", "trend-analysis"})
"""Intents whose answers depend on what a tool would have shown at that moment."""

OTHER_INTENT_S = HOUR


class MonotonicWallClock:
    """Unix seconds that never go back, so that a clock that is set back keeps no answer alive.

    It is the wall clock, or where that should be by the monotonic clock since it was last ahead.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._base = clock.now().timestamp()
        self._since = clock.monotonic()

    def now(self) -> float:
        wall, monotonic = self._clock.now().timestamp(), self._clock.monotonic()
        expected = self._base + monotonic - self._since
        if wall >= expected:
            self._base, self._since = wall, monotonic
        return max(wall, expected)


def lifetime_s(
    request: Request,
    *,
    intent: str,
    question: str,
    by_intent: Mapping[str, float] | None = None,
    by_agent: float | None = None,
) -> float:
    """Seconds for which the answer to `question` may be served again; 0 means never.

    `by_agent` comes before the operator's `by_intent`, and that before `LIFETIME_S`. No setting stores what is never
    true for longer: a tool's result, a state that tools could have looked at, an answer to a question about now.
    """
    if intent == "tool-use" or (request.tools and intent in NEVER_WITH_TOOLS) or asks_for_now(question):
        return 0
    if by_agent is not None:
        return by_agent
    return (by_intent or {}).get(intent, LIFETIME_S.get(intent, OTHER_INTENT_S))


def may_use(request: Request, *, with_tools: bool = True) -> bool:
    """Whether another's answer may serve this request at all: to look it up, to store its answer, to share its call.

    With tools declared the ask must stand on its own words, and `with_tools` be the agent's setting. Within a tool loop
    it never may.
    """
    if not request.cache or request.sensitive or (request.envelope is not None and request.envelope.continues):
        return False
    return not request.tools or (with_tools and stands_alone(question_of(request)))


def is_sampled(request: Request) -> bool:
    """Whether the request itself asks for variation: a temperature above 0, and no seed to repeat an answer by."""
    sampling = request.sampling
    return bool(sampling.temperature) and sampling.seed is None


def may_store(*, finish: Finish, text: str, called: bool, notes: Sequence[str] = ()) -> bool:
    """Whether an answer is whole: in text, not cut, blocked or empty, with no tool called and no failed check."""
    checked = not any(note.startswith(("unverified", "context cut")) for note in notes)
    return finish == "stop" and not called and checked and bool(text.strip())
