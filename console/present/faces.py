"""What a pane shows when there is no data to show: each face says what will appear here, or what to do."""

from console.present.figures import clock
from console.present.rows import BLANK, Row, paragraph, span
from console.state import Connection


def face(connection: Connection, cells: int) -> list[Row] | None:
    """The rows that stand in for a pane's own, or None where it may draw them."""
    if connection.phase == "loading":
        return [(span("loading…", "dim"),)]
    if connection.phase == "failed":
        return notice("▲ no core", connection.line, cells, bad=True)
    return None


def notice(headline: str, text: str, cells: int, *, bad: bool = False) -> list[Row]:
    """A headline, and below it what to do."""
    return [(span(headline, "bad" if bad else "strong"),), BLANK, *paragraph(text, cells, "dim")]


def lost(connection: Connection) -> Row:
    """The line above a pane's last known figures while the core is away."""
    return (span(f"stale since {clock(connection.since)}", "warn"),)
