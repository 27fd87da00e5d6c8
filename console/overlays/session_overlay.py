"""A session in full: what it is, what it has used, and where its last requests went."""

from collections.abc import Sequence
from datetime import datetime

from backends.text.measures import UNKNOWN, count
from backends.text.times import clock, milliseconds
from backends.text.usd import usd
from backends.types import Exchange, SessionState
from console.overlays.overlay import Overlay
from console.present.session_rows import condition, context, engine, prefix_share
from console.present.spans import BLANK, Row, Tone, cell, paragraph, row, span
from console.present.symbols import destination

LABEL = 10
LAST = 8
"""Requests that are listed."""


class SessionOverlay(Overlay[None]):
    def __init__(self, session: SessionState, exchanges: Sequence[Exchange], now: datetime | None) -> None:
        super().__init__("Session", lambda cells: session_rows(session, exchanges, now, cells))


def of_session(exchanges: Sequence[Exchange], session: SessionState) -> list[Exchange]:
    """Its requests, newest first."""
    wanted = session.agent, session.id
    return [each for each in reversed(exchanges) if (each.explanation.agent, _session(each)) == wanted]


def session_rows(session: SessionState, exchanges: Sequence[Exchange], now: datetime | None, cells: int) -> list[Row]:
    """As many rows of at most `cells` cells as needed."""
    state, tone = condition(session, now)
    tools = session.turns - session.asks
    told = session.prefix.known_tokens > 0
    cached = f"{count(session.cached_input_tokens)} from a prefix cache, {prefix_share(session)}"
    read = f"{count(session.input_tokens)} in ({cached if told else 'how many from a prefix cache is not known'})"
    facts = (
        ("id", session.id),
        ("client", session.client or UNKNOWN),
        ("run", session.run or "the session itself"),
        ("time", f"started {clock(session.started_at)}, last used {clock(session.last_at)}"),
        (
            "turns",
            f"{count(session.turns)}: {count(session.asks)} asks, {count(tools)} that went on with a tool's result",
        ),
        ("engines", ", ".join(session.engines) or UNKNOWN),
        ("context", f"{context(session)} tokens in the last prompt"),
        ("tokens", f"{read}, {count(session.output_tokens)} out"),
        ("cost", f"{usd(session.cost_usd)}; all-cloud with nothing cached {usd(session.baseline_usd)}"),
    )
    last = of_session(exchanges, session)[:LAST]
    return [
        row(span(session.agent, "title"), span(" · "), engine(session), span(f" {session.model}", "strong")),
        *(
            row(span("" if at else "state     ", "dim"), *line)
            for at, line in enumerate(paragraph(state, cells - LABEL, tone))
        ),
        BLANK,
        *(each for name, text in facts for each in _fact(name, text, cells)),
        BLANK,
        row(span("Last requests" if last else "Its requests are not listed any more", "dim")),
        *(_request(each) for each in last),
    ]


def _session(exchange: Exchange) -> str:
    outcome = exchange.outcome
    return outcome.session if outcome is not None else exchange.explanation.session


def _fact(name: str, text: str, cells: int, tone: Tone = "text") -> list[Row]:
    lines = paragraph(text, max(1, cells - LABEL), tone)
    return [row(cell("" if at else name, LABEL, "dim"), *line) for at, line in enumerate(lines)]


def _request(exchange: Exchange) -> Row:
    outcome, to = exchange.outcome, destination(exchange)
    failed = outcome is not None and outcome.finish == "error"
    return row(
        span(clock(exchange.at), "dim"),
        span("  "),
        cell(to.text, 16, to.tone),
        cell(exchange.explanation.intent, 18),
        cell(f"{milliseconds(outcome.latency_ms if outcome else None)} ms", 11, right=True),
        cell(usd(outcome.cost_usd) if outcome else UNKNOWN, 10, right=True),
        span("  ▲ failed" if failed else "", "bad"),
    )
