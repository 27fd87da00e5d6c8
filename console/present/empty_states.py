"""What a pane shows while it has no data: a loading line, or a headline with what to do."""

from backends.text.times import clock
from console.present.spans import BLANK, Row, Span, paragraph, span
from console.state import CoreConnection, ViewState


def loading() -> Row:
    return (span("Loading…", "dim"),)


def not_read(state: ViewState) -> Span:
    """Stands for a reading that is not there: it comes, or the past has none."""
    return span("– not on record" if state.past else "Loading…", "dim")


def not_recorded(cells: int) -> list[Row]:
    """Of a moment at which no core ran."""
    return notice("– Nothing on record", "No core ran at that moment, or it was one before claw kept minutes.", cells)


def without_core(connection: CoreConnection, cells: int) -> list[Row] | None:
    """The rows that replace a pane's own while there is no core, or None where it may draw them."""
    if connection.phase == "loading":
        return [loading()]
    if connection.phase == "failed":
        return notice("▲ No core", connection.line, cells, bad=True)
    return None


def notice(headline: str, text: str, cells: int, *, bad: bool = False) -> list[Row]:
    """A headline, and below it what to do or what will appear here."""
    return [(span(headline, "bad" if bad else "strong"),), BLANK, *paragraph(text, cells, "dim")]


def stale_since(connection: CoreConnection) -> Row:
    """The summary of a pane that shows its last known figures while the core is away."""
    return (span(f"stale since {clock(connection.since)}", "warn"),)
