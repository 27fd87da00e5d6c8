"""Today's refused requests as rows: requests that no engine was called for, by agent and reason."""

from backends.text.measures import count
from backends.text.terminal_safe import safe
from backends.types import RefusalCount
from console.present.spans import Row, clip, row, span, width
from console.state import ViewState

LONGEST_AGENT, LONGEST_REASON = 16, 24
"""Cells of a name; longer ones are cut."""

SHORT = {"context_length_exceeded": "too long", "invalid_request": "invalid"}
"""Reasons whose names are long; the others stand as they are."""


def refused_today(state: ViewState, cells: int, *, most: int = 1) -> list[Row]:
    """As many agents and reasons as fit into `most` rows, the most refused first; no row where nothing was refused."""
    counts = state.refusal_counts
    if not counts:
        return []
    whole = sum(each.count for each in counts)
    lines = [[span("✗ ", "warn"), span("refused today ", "dim"), span(f"{count(whole)}  ", "warn")]]
    for index, each in enumerate(counts):
        pair, left = _pair(each), len(counts) - index
        end = width(_more(left - 1)) if len(lines) == most and left > 1 else 0
        if width((*lines[-1], *pair)) + end <= cells:
            lines[-1] += pair
        elif len(lines) < most:
            lines.append([span("  "), *pair])
        else:
            lines[-1] += _more(left)
            break
    return [row(*line) for line in lines]


def _pair(each: RefusalCount) -> Row:
    reason = SHORT.get(each.reason, each.reason.replace("_", " "))
    agent, short = clip(safe(each.agent), LONGEST_AGENT), clip(safe(reason), LONGEST_REASON)
    return row(span(agent, "strong"), span(f" {short} ", "dim"), span(f"{each.count:,}  "))


def _more(pairs: int) -> Row:
    return row(span(f"and {pairs} more", "dim"))


def refused_of(state: ViewState, agent: str) -> int:
    """How many requests of an agent were refused today."""
    return sum(each.count for each in state.refusal_counts if each.agent == agent)
