"""Whether the terminal keeps up with what is written to it."""

import select
import sys


def drained() -> bool:
    """Whether the terminal takes more; true where there is none to ask."""
    terminal = sys.__stderr__  # Textual's drivers write there
    try:
        return terminal is None or bool(select.select([], [terminal], [], 0)[1])
    except (OSError, ValueError):
        return True
