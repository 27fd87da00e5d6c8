"""Answers on stdout: as they are into a pipe, and made harmless on a terminal."""

import sys

from backends.text.terminal_safe import harmless


class Screen:
    """Writes an answer's pieces as they come."""

    def __init__(self) -> None:
        self._tty = sys.stdout.isatty()
        self._last = "\n"

    def write(self, text: str) -> None:
        if text:
            self._last = text[-1]
            sys.stdout.write(harmless(text, newlines=True) if self._tty else text)
            sys.stdout.flush()

    def end(self) -> None:
        if self._last != "\n":
            sys.stdout.write("\n")
        sys.stdout.flush()


def shown(text: str) -> str:
    """One line of foreign text for stderr or a table."""
    return harmless(text)
