"""Sends a terminal the cells that changed, and of their styles what differs from the cell before.

Textual 8.2.8 sends each changed row from its widget's left edge, and every style in full: three bytes of four.
"""

from functools import lru_cache
from typing import NamedTuple

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.control import Control
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor
from textual.strip import Strip

OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
"""The parameter that ends an attribute: bold, dim, italic, underlined, reversed, struck."""

UNSEEN = frozenset({"1", "2", "3"})
"""Attributes that a blank does not show."""


class Pen(NamedTuple):
    """What a terminal writes with, each as parameters of SGR; without any, in its own colours."""

    attributes: tuple[str, ...] = ()
    ink: str = ""
    ground: str = ""

    def to(self, other: "Pen") -> str:
        """The sequence that makes a terminal go on with the other one; "" for the same."""
        if self == other:
            return ""
        lost = bool((self.ink and not other.ink) or (self.ground and not other.ground))
        if lost or other == Pen() or not OFF.keys() >= {*self.attributes}:
            return f"\x1b[{';'.join(('0', *other.attributes, *filter(None, (other.ink, other.ground))))}m"
        parameters: list[str] = []
        if self.attributes != other.attributes:
            parameters += [*dict.fromkeys(OFF[each] for each in self.attributes), *other.attributes]
        parameters += [after for before, after in zip(self[1:], other[1:], strict=True) if before != after]
        return f"\x1b[{';'.join(parameters)}m"

    def blank(self, ground: "Pen") -> "Pen":
        """The pen that writes blanks on that ground: this one with another background, where nobody sees the rest."""
        return self._replace(ground=ground.ground) if {*self.attributes, *ground.attributes} <= UNSEEN else ground


@lru_cache(maxsize=4096)
def pen(style: Style | None, colours: ColorSystem) -> Pen:
    if style is None:
        return Pen()
    attributes = Strip.render_ansi(style.without_color, colours)
    ink = style.color.downgrade(colours).get_ansi_codes() if style.color else ()
    ground = style.bgcolor.downgrade(colours).get_ansi_codes(foreground=False) if style.bgcolor else ()
    return Pen(tuple(attributes.split(";")) if attributes else (), ";".join(ink), ";".join(ground))


class ChangedCells(ChopsUpdate):
    """The parts of rows that changed, cut at both ends."""

    def render_segments(self, console: Console) -> str:
        """Raw data for the terminal: for each part a move to its first cell, then its text with its styles."""
        colours = COLOR_SYSTEMS[console.color_system] if console.color_system else ColorSystem.TRUECOLOR
        written: list[str] = []
        now = Pen()
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, first), min(end, last)
                if strip is None or start >= stop:
                    continue
                part = strip if (start, stop) == (x, end) else strip.crop(start - x, stop - x)
                written.append(Control.move_to(start, y).segment.text)
                for text, style, _ in part:
                    if style is not None and style.link:
                        written += [now.to(Pen()), Strip.render_style(style, text, colours)]
                        now = Pen()
                        continue
                    wanted = pen(style, colours)
                    if text.isspace():
                        wanted = now.blank(wanted)
                    written += [now.to(wanted), text]
                    now = wanted
        return "".join((*written, now.to(Pen())))


class ChangedCellsCompositor(Compositor):
    """Textual's own, with updates that are cut at both ends."""

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        return None if update is None else ChangedCells(update.chops, update.spans, update.chop_ends)
