"""The log of a core: a file of its owner's alone, small, and without what people asked or keys.

A terminal program must never find a library's words on its screen, and a library's words may quote what it carries: of
records that are not ours only the place is kept, and of every exception the frames and the type, never its message.
"""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from backends.paths import open_private
from backends.text.terminal_safe import safe

OURS = ("backends", "console")
LIMIT_B = 1_000_000
KEPT = 1  # older file beside the current one


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """While the block runs, send every record of this process from WARNING on to `path`, and none to the terminal."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    handler = PrivateFile(path, maxBytes=LIMIT_B, backupCount=KEPT, encoding="utf-8", delay=True)
    handler.setFormatter(Discreet("{asctime} {levelname} {name}:{lineno} {message}", style="{"))
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        handler.close()


class PrivateFile(RotatingFileHandler):
    """A log file that is 0600 from birth. A record that cannot be written, as on a full disk, is dropped."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 — the base class's name
        """The base class would write it to the terminal, with all that it carries. The next one opens the file anew."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):
                stream.close()

    def _open(self):  # type: ignore[no-untyped-def]
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=open_private)


class Discreet(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        if not record.name.startswith(OURS):
            record = logging.makeLogRecord(record.__dict__ | {"msg": f"in {record.funcName}", "args": ()})
        return safe(super().format(record), newlines=True)

    def formatException(  # noqa: N802 — the base class's name
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        kind, _, trace = ei
        return "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "")
