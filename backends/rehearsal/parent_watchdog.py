"""Ends a child process with its parent: the parent holds the other end of stdin, which closes however it ends."""

import os
import sys
import threading
from collections.abc import Callable


def when_parent_ends(then: Callable[[], None]) -> None:
    """Call `then`, in a thread of its own, when stdin ends."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        then()

    threading.Thread(target=wait, name="parent-watchdog", daemon=True).start()


def die() -> None:
    """End at once, whatever native code is running."""
    os._exit(0)
