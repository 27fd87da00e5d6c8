"""What the console shows when it is opened again: which pane, zoomed or not, and what the operator has seen once."""

import contextlib
from pathlib import Path

import msgspec
from msgspec import Struct

from backends.paths import open_private

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
            with self._path.open("rb") as file:
                self.view = msgspec.json.decode(file.read(LARGEST), type=View)
        except (OSError, msgspec.MsgspecError):
            return
        self._saved = self.view

    def save(self) -> None:
        """Write the view if it has changed; where that fails, it is forgotten."""
        view = self.view
        if self._path is None or view == self._saved:
            return
        written = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(written, "wb", opener=open_private) as file:
                file.write(msgspec.json.encode(view))
            written.replace(self._path)
            self._saved = view
