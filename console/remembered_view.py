"""What the console shows when it is opened again: which pane, zoomed or not, and what the operator has seen once."""

import contextlib
from pathlib import Path

import msgspec
from msgspec import Struct

from backends.paths import read_bounded, replace_private

LARGEST = 4096
"""Bytes; a larger file is none of ours."""


class View(Struct, frozen=True, kw_only=True):
    """`pane` has the focus; `beside` stands beside the chat where the screen is split; `welcomed` once the first-run
    card was read. No text that anybody typed is in it.
    """

    pane: int = 2
    beside: int = 2
    zoomed: bool = False
    sessions: bool = False
    welcomed: bool = False


class RememberedView:
    """The view and its file, JSON of mode 0600. Without a path it ends with the process. `load` and `save` block."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._saved: View | None = None
        self.view = View()

    @property
    def first_run(self) -> bool:
        """Whether the operator has never read the card of the first run, and that can be remembered."""
        return self._path is not None and not self.view.welcomed

    def load(self) -> None:
        """A file that cannot be read, or says what no view is, counts as none."""
        if self._path is None:
            return
        try:
            self.view = msgspec.json.decode(read_bounded(self._path, LARGEST), type=View)
        except (OSError, msgspec.MsgspecError, RecursionError):
            return
        self._saved = self.view

    def save(self) -> None:
        """Write the view if it has changed; where that fails, it is forgotten."""
        view = self.view
        if self._path is None or view == self._saved:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_private(self._path, msgspec.json.encode(view))
            self._saved = view
