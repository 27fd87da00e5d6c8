"""A frame of an exact size around rows."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, overload

from msgspec import Struct

from backends.text.terminal_safe import SafeText
from console.present.spans import BLANK, Row, Span, Tone, fit, span, width


class PaneBody(Struct, frozen=True):
    """Rows in a frame; `selected` is the index of the row with the cursor, from which on `reach` rows stay visible.

    The first `fixed` rows do not scroll; nor do the rows `below`, which stand at the lower end.
    """

    rows: Sequence[Row]
    selected: int | None = None
    fixed: int = 0
    below: Sequence[Row] = ()
    reach: int = 1


Item = TypeVar("Item")


class DrawnRows(Sequence[Row], Generic[Item]):
    """A `head`, and below it one row for each item, drawn when it is asked for: rows out of sight cost nothing."""

    def __init__(self, head: Sequence[Row], items: Sequence[Item], draw: Callable[[Item], Row]) -> None:
        self._head = head
        self._items = items
        self._draw = draw

    def __len__(self) -> int:
        return len(self._head) + len(self._items)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index if index >= 0 else len(self) + index
        if not 0 <= at < len(self):
            raise IndexError(index)
        return self._head[at] if at < len(self._head) else self._draw(self._items[at - len(self._head)])


_LIGHT = "╭─╮│╰╯"
_HEAVY = "┏━┓┃┗┛"
_LIGHT_PAST = "╭╌╮┆╰╯"
_HEAVY_PAST = "┏╍┓┇┗┛"


def framed(
    body: PaneBody, *, top: int, title: str, summary: Row, size: tuple[int, int], focused: bool, past: bool = False
) -> tuple[list[Row], int | None]:
    """The frame's rows, scrolled to `top`, and the index of the selected one. `size` is (width, height).

    Around a moment of the `past` it is dashed.
    """
    across, down = size
    if across < 4 or down < 2:
        return [fit((span(title, "title"),), across)], None
    sides = (_HEAVY_PAST if focused else _LIGHT_PAST) if past else _HEAVY if focused else _LIGHT
    room = max(0, down - 2 - len(body.below))
    first = body.fixed + top
    shown = [*body.rows[: body.fixed], *body.rows[first : first + max(0, room - body.fixed)]][:room]
    thumb = _thumb(len(body.rows) - body.fixed, room - body.fixed, top)
    tone: Tone = "focus" if focused else "border"
    left, right = span(sides[3] + " ", tone), span(" " + sides[3], tone)
    moving = span(" " + ("▐" if focused else "┃"), tone)
    rows = [_title(title, summary, across, sides, focused=focused)]
    shown += [*[BLANK] * (room - len(shown)), *body.below]
    for y in range(down - 2):
        content = fit(shown[y], across - 4)
        rows.append((left, *content, moving if y - body.fixed in thumb else right))
    rows.append((span(sides[4] + sides[1] * (across - 2) + sides[5], tone),))
    selected = body.selected
    if selected is not None:
        y = selected - (top if selected >= body.fixed else 0)
        selected = y + 1 if y < room else None
    return rows, selected


def _thumb(whole: int, room: int, top: int) -> range:
    """The rows of the scroll thumb on the right border; none when everything fits."""
    if whole <= room or room < 2:
        return range(0)
    length = max(1, room * room // whole)
    start = round((room - length) * min(1.0, top / (whole - room)))
    return range(start, start + length)


def _title(title: str, summary: Row, across: int, sides: str, *, focused: bool) -> Row:
    tone: Tone = "focus" if focused else "border"
    name = span(f" {title} ", "title")
    room = across - 4 - width((name,))
    if room < 0:
        return fit((span(sides[0] + sides[1], tone), name, span(sides[2], tone)), across)
    end: Row = (span(" ", tone), *fit(summary, min(width(summary), room - 2)), span(" ", tone)) if summary else ()
    if width(end) > room or (summary and room < 8):
        end = ()
    line = Span(SafeText(sides[1] * (room - width(end))), tone)
    return (span(sides[0] + sides[1], tone), name, line, *end, span(sides[1] + sides[2], tone))
