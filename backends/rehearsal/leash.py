"""Ties a child process to its parent: the parent holds the other end of stdin, and however it goes, that end closes."""

import os
import sys
import threading
from collections.abc import Callable


def on_parents_end(then: Callable[[], None]) -> None:
    """Call `then`, in a thread of its own, when stdin ends."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        then()

    threading.Thread(target=wait, name="leash", daemon=True).start()


def die() -> None:
    """End at once, whatever native code is running."""
    os._exit(0)
