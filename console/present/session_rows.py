"""The table of sessions: whose each is, how long it has become, what its prefix cache and its engine make of it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from backends.text.measures import UNKNOWN, count, share, tokens
from backends.text.terminal_safe import safe
from backends.text.times import age
from backends.text.usd import usd
from backends.types import CLOUD, SessionState
from console.present.empty_states import notice
from console.present.frame import PaneBody
from console.present.spans import Row, Span, Tone, cell, clip, paragraph, row, span
from console.present.symbols import served
from console.state import ViewState

ACTIVE = timedelta(minutes=5)
"""A session that was used within this time keeps its place among the active ones, so that rows do not jump."""
LONGEST_CLIENT = 12  # cells; longer ones are cut
ROOMY = 100  # cells from which columns are wider
STATE = 11  # cells that a state needs
WITH_REASON = 30  # cells from which a state says why a session is paused; the row below the table says so anyway

SessionKey = tuple[str, str]
"""What tells a session from every other one: its agent and its id."""


def key_of(session: SessionState) -> SessionKey:
    return session.agent, session.id


def listed(sessions: Iterable[SessionState], now: datetime | None, wanted: str = "") -> list[SessionState]:
    """Paused ones first, then active ones, each kind newest first, then the others, the last used first.

    Of these, the ones whose row contains `wanted`.
    """
    needle = wanted.casefold()
    return sorted(
        (each for each in sessions if not needle or needle in _haystack(each, now)), key=lambda each: _place(each, now)
    )


def _place(session: SessionState, now: datetime | None) -> tuple[int, float]:
    if session.paused:
        return 0, -session.started_at.timestamp()
    if session.in_flight or now is None or now - session.last_at < ACTIVE:
        return 1, -session.started_at.timestamp()
    return 2, -session.last_at.timestamp()


def at_cursor(shown: Sequence[SessionState], chosen: SessionKey | None) -> int:
    """The row of the cursor: the chosen session's, else the first."""
    return next((index for index, each in enumerate(shown) if key_of(each) == chosen), 0)


def session_body(shown: Sequence[SessionState], at: int, state: ViewState, cells: int, head: Sequence[Row]) -> PaneBody:
    """The table with the cursor on row `at`, and below it why that session is paused; `head` stands above it."""
    columns = _columns(cells, state.at)
    names = row(*(each.cell(each.head, "dim") for each in columns))
    rows = [row(*(each.cell(*each.draw(session)) for each in columns)) for session in shown]
    above = [*head, names]
    return PaneBody(
        [*above, *rows],
        selected=len(above) + at,
        fixed=len(above),
        below=_paused_because(shown[at], cells),
    )


def session_counts(sessions: Sequence[SessionState]) -> Row:
    """How many there are, how many of them run and how many are paused."""
    running = sum(1 for each in sessions if each.in_flight and not each.paused)
    paused = sum(1 for each in sessions if each.paused)
    alarm = (span("  "), span(f"‖ {paused} paused", "warn")) if paused else ()
    noun = "session" if len(sessions) == 1 else "sessions"
    return row(span(f"{len(sessions)} {noun}", "dim"), span("  "), span(f"{running} running", "good"), *alarm)


def no_sessions(wanted: str, cells: int) -> list[Row]:
    """What stands in place of the table while it has no row."""
    if wanted:
        return paragraph(f"No session matches “{wanted}”. Escape clears the filter.", cells, "dim")
    text = (
        "A session is one conversation of an agent. Each appears here with its first request: its engine, the length "
        "of its context, the share that a prefix cache served and its cost. It stays for an hour after the last. "
        "Point an agent at the gateway of `claw serve`."
    )
    return notice("No sessions yet", text, cells)


def label(session: SessionState) -> str:
    """The client and as much of the id as tells sessions apart: `openclaw 3f1c…`."""
    return f"{session.client[:LONGEST_CLIENT]} {short_id(session.id)}".lstrip()


def short_id(id: str) -> str:
    """An id without the words that all ids of a client begin with: `agent:coding:weekly7` is `weekly7`."""
    return id.rpartition(":")[2].rpartition("_")[2] or id


def condition(session: SessionState, now: datetime | None) -> tuple[str, Tone]:
    """Whether it runs, is idle and for how long, or is paused and why."""
    if session.paused:
        return f"‖ paused: {session.paused}", "warn"
    if session.in_flight:
        return "running", "good"
    since = "" if now is None else age((now - session.last_at).total_seconds())
    return f"idle {since}".rstrip(), "dim"


def context(session: SessionState) -> str:
    """The length of the last prompt and the room for it: `38k of 1M`."""
    if session.context_tokens is None:
        return UNKNOWN
    room = f" of {tokens(session.window)}" if session.window else ""
    return f"{tokens(session.context_tokens)}{room}"


def prefix_share(session: SessionState) -> str:
    """The share of its input that a prefix cache served, of the calls whose engine said."""
    return share(session.prefix.cached_tokens, session.prefix.known_tokens)


def engine(session: SessionState) -> Span:
    """Which engine answered last."""
    if session.engine is None or session.zone is None:
        return span(UNKNOWN, "dim")
    return served(session.engine, session.zone)


class _SessionColumn(Struct, frozen=True):
    """`indent` are blanks before a column's text, for one that follows a column of figures."""

    head: str
    cells: int
    draw: Callable[[SessionState], Span]
    right: bool = False
    indent: int = 0

    def cell(self, text: str, tone: Tone) -> Span:
        if self.right:
            return cell(text, self.cells, tone, right=True)
        return cell(f"{' ' * self.indent}{clip(safe(text), self.cells - self.indent - 1)}", self.cells, tone)


def _columns(cells: int, now: datetime | None) -> list[_SessionColumn]:
    """The columns that fit; the state gets the rest. Each width includes a blank to its right."""
    roomy = cells >= ROOMY
    columns = [
        _SessionColumn("session", 28 if roomy else 16, lambda each: span(label(each))),
        _SessionColumn("agent", 11, lambda each: span(each.agent, "strong")),
        _SessionColumn("turns", 6 if roomy else 5, lambda each: span(count(each.turns)), right=True),
        _SessionColumn("engine", 12 if roomy else 8, engine, indent=1),
        _SessionColumn("context", 13 if roomy else 10, lambda each: span(context(each)), right=True),
        _SessionColumn("prefix", 8 if roomy else 7, lambda each: span(prefix_share(each), "cache"), right=True),
        _SessionColumn("cost", 10 if roomy else 8, _cost, right=True),
    ]
    for least in ("turns", "cost", "prefix", "engine", "context"):
        if cells - sum(each.cells for each in columns) < STATE:
            columns = [each for each in columns if each.head != least]
    room = max(0, cells - sum(each.cells for each in columns))
    state = _SessionColumn("state", room, lambda each: _state(each, now, room), indent=2)
    return [*columns, state]


def _state(session: SessionState, now: datetime | None, room: int) -> Span:
    text, tone = condition(session, now)
    short = session.paused and room < WITH_REASON
    return span("‖ paused" if short else text, tone)


def _cost(session: SessionState) -> Span:
    return span(usd(session.cost_usd), CLOUD if session.cost_usd else "dim")


def _paused_because(session: SessionState, cells: int) -> list[Row]:
    if not session.paused:
        return []
    return paragraph(
        f"‖ {label(session)} of {session.agent} is paused: {session.paused}. Key r resumes it.", cells, "warn"
    )


def _haystack(session: SessionState, now: datetime | None) -> str:
    words = (session.client, session.id, session.agent, session.engine or "", session.model, condition(session, now)[0])
    return " ".join(words).casefold()
