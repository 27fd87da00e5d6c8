"""How long an answer stays true, by what was asked, and what may be kept at all."""

import re
from collections.abc import Mapping, Sequence

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
"""Seconds by intent. A state of the world ages in seconds, a translation hardly at all, a tool's result at once."""

OTHER_INTENT_S = HOUR
READ_END = 4096  # characters at each end of a text; some 0.3 ms for both

_FRESH = re.compile(
    r"\b(?:now|today|tonight|yesterday|tomorrow|current|currently|latest|newest|recent|recently|nowadays|"
    r"up[- ]to[- ]date|breaking|live|(?:this|last|next|past) (?:second|minute|hour|morning|afternoon|evening|night|day|"
    r"week|weekend|month|quarter|year)|so far|still|at the moment|what time is it|"
    r"jetzt|heute|gestern|morgen|aktuell\w*|derzeit|neueste\w*|diese[rsnm]? (?:woche|monat|jahr)|"
    r"maintenant|aujourd.hui|hier|demain|actuel\w*|cette semaine|ahora|hoy|ayer|mañana|actualmente)\b"
    r"|今日|今天|现在|最新|現在",
    re.IGNORECASE,
)


def lifetime_s(
    request: Request,
    *,
    intent: str,
    question: str,
    by_intent: Mapping[str, float] | None = None,
    by_agent: float | None = None,
) -> float:
    """Seconds the answer to `question` may be served again; 0 is never.

    The operator's `by_intent` goes before the built-in ones, and the agent's own before both; no setting keeps what is
    true for no time at all.
    """
    if request.tools or intent == "tool-use" or asks_for_now(question):
        return 0
    if by_agent is not None:
        return by_agent
    return (by_intent or {}).get(intent, LIFETIME_S.get(intent, OTHER_INTENT_S))


def asks_for_now(question: str) -> bool:
    """Whether only a fresh answer will do. Of a text too long to be read at once both ends are: there a wish stands."""
    if len(question) > 2 * READ_END:
        question = f"{question[:READ_END]}\n{question[-READ_END:]}"
    return _FRESH.search(question) is not None


def may_use(request: Request) -> bool:
    """Whether the cache may see this request at all, to look up or to store."""
    return request.cache and not request.sensitive


def wants_its_own(request: Request) -> bool:
    """Whether it asks for chance itself: a temperature above 0, and no seed that would give the same answer again."""
    sampling = request.sampling
    return bool(sampling.temperature) and sampling.seed is None


def may_keep(*, finish: Finish, text: str, called: bool, notes: Sequence[str] = ()) -> bool:
    """Only a whole answer in text is kept: never one that was cut, blocked, empty, a wish to call a tool, or noted to
    have failed its check.
    """
    checked = not any(note.startswith(("unverified", "context cut")) for note in notes)
    return finish == "stop" and not called and checked and bool(text.strip())
