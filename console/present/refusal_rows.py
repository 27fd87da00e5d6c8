"""Today's refused requests as rows: requests that no engine was called for, by agent and reason."""

from collections.abc import Sequence

from backends.text.measures import count
from backends.text.terminal_safe import safe
from backends.text.times import clock
from backends.types import RefusalCount
from console.present.spans import Row, clip, row, span, width
from console.state import ViewState

LONGEST_AGENT, LONGEST_REASON = 16, 24
"""Cells of a name; longer ones are cut."""

SHORT = {"context_length_exceeded": "too long", "invalid_request": "invalid"}
"""Reasons whose names are long; the others stand as they are."""


FAILED = frozenset({"no_engine", "queue_full", "deadline"})
"""Reasons that are no limit or rule of the operator's: the request failed."""


def refused_today(state: ViewState, cells: int, *, last: bool) -> list[Row]:
    """As many agents and reasons as fit into a row, the most refused first; below it the last one, if asked for, with
    what its client was told. No row where nothing was refused.
    """
    counts = state.refusal_counts
    rows = [_counts(counts, cells)] if counts else []
    return [*rows, *_last(state, cells)] if last else rows


def _counts(counts: Sequence[RefusalCount], cells: int) -> Row:
    failed = sum(each.count for each in counts if each.reason in FAILED)
    refused = sum(each.count for each in counts) - failed
    line = row(span("✗ ", "bad" if failed else "warn"))
    if failed:
        line = (*line, span("no engine today ", "dim"), span(f"{count(failed)}  ", "bad"))
    if refused:
        line = (*line, span("refused today ", "dim"), span(f"{count(refused)}  ", "warn"))
    for index, each in enumerate(counts):
        pair, left = _pair(each), len(counts) - index
        end = width(_more(left - 1)) if left > 1 else 0
        if width((*line, *pair)) + end > cells:
            return (*line, *_more(left))
        line += pair
    return line


def _last(state: ViewState, cells: int) -> list[Row]:
    """The newest refusal that was heard of: an event, or of an earlier time the newest of the counts."""
    heard = [(each.at, each.agent, each.message) for each in state.refusals[-1:]]
    heard += [(each.last_at, each.agent, each.message) for each in state.refusal_counts if each.message]
    if not heard:
        return []
    at, agent, message = max(heard)
    who = row(
        span("  last ", "dim"), span(clock(at), "dim"), span(" "), span(clip(safe(agent), LONGEST_AGENT), "strong")
    )
    return [row(*who, span(": ", "dim"), span(clip(safe(message), cells - width(who) - 2)))]


def _pair(each: RefusalCount) -> Row:
    reason = SHORT.get(each.reason, each.reason.replace("_", " "))
    agent, short = clip(safe(each.agent), LONGEST_AGENT), clip(safe(reason), LONGEST_REASON)
    return row(span(agent, "strong"), span(f" {short} ", "dim"), span(f"{each.count:,}  "))


def _more(pairs: int) -> Row:
    return row(span(f"and {pairs} more", "dim"))


def refused_of(state: ViewState, agent: str) -> int:
    """How many requests of an agent a limit or a rule refused today."""
    return sum(each.count for each in state.refusal_counts if each.agent == agent and each.reason not in FAILED)
