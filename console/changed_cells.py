"""Sends a terminal the cells that changed. Textual 8.2.8 sends each changed row from its widget's left edge."""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


class ChangedCells(ChopsUpdate):
    """The parts of rows that changed, cut at both ends."""

    def render_segments(self, console: Console) -> str:
        """Raw data for the terminal: for each part a move to its first cell, then its text with its styles."""
        written: list[str] = []
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, first), min(end, last)
                if strip is None or start >= stop:
                    continue
                part = strip if (start, stop) == (x, end) else strip.crop(start - x, stop - x)
                written += [Control.move_to(start, y).segment.text, part.render(console)]
        return "".join(written)


class ChangedCellsCompositor(Compositor):
    """Textual's own, with updates that are cut at both ends."""

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        return None if update is None else ChangedCells(update.chops, update.spans, update.chop_ends)
