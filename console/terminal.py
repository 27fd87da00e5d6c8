"""The terminal behind the console: whether it keeps up with what is written to it, and whether it is still there."""

import os
import select
import sys
import threading
import time
from collections.abc import Callable


def drained() -> bool:
    """Whether the terminal accepts more output; true where there is no terminal."""
    terminal = sys.__stderr__  # Textual's drivers write there
    try:
        return terminal is None or bool(select.select([], [terminal], [], 0)[1])
    except (OSError, ValueError):
        return True


def unread() -> bool:
    """Whether the terminal has sent something that nobody has read yet; false where there is no terminal."""
    terminal = sys.__stdin__
    try:
        return terminal is not None and terminal.isatty() and bool(select.select([terminal], [], [], 0)[0])
    except (OSError, ValueError):
        return False


def lost() -> bool:
    """Whether the terminal has hung up, or there is none, or it takes no more output."""
    terminal = sys.__stdin__
    try:
        if terminal is None or not terminal.isatty():
            return True
        poll = select.poll()
        poll.register(terminal, 0)  # hang-ups and errors are always reported
        return bool(poll.poll(0)) or not drained()
    except (OSError, ValueError):
        return True


def watch_for_loss(
    descriptor: int,
    on_loss: Callable[[], None],
    *,
    orderly_s: float = 5.0,
    exit_now: Callable[[int], object] = os._exit,
) -> None:
    """Call `on_loss` from a thread once the terminal behind `descriptor` hangs up.

    The console then has `orderly_s` seconds to end, because an embedded core finishes its calls first. After that, end
    the process with status 129, as a shell shows SIGHUP. A thread watches, because the event loop may be stuck:
    Textual's writer thread ends at the first failed write, and after a few more frames the loop waits for it for ever,
    and runs no signal handler. Waiting in `poll` costs nothing.
    """
    threading.Thread(
        target=_wait_for_loss, args=(descriptor, on_loss, orderly_s, exit_now), name="terminal loss", daemon=True
    ).start()


def _wait_for_loss(
    descriptor: int, on_loss: Callable[[], None], orderly_s: float, exit_now: Callable[[int], object]
) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # hang-ups and errors are always reported
    poll.poll()
    on_loss()
    time.sleep(orderly_s)
    exit_now(129)
