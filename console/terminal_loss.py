"""A terminal that is gone, noticed from a thread: the event loop may be stuck writing to it.

Textual's writer thread ends at the first failed write, and after a few more frames the loop waits for it for ever: a
signal's handler on the loop is then never run, and the reader of the lost terminal spins. Waiting in `poll` is free.
"""

import os
import select
import threading
import time
from collections.abc import Callable

ORDERLY_S = 5.0  # how long the loop has to leave by itself: an embedded core drains first


def watch(descriptor: int, lost: Callable[[], None], *, exit_now: Callable[[int], object] = os._exit) -> None:
    """Once the terminal behind `descriptor` hangs up, call `lost` from a thread; end the process where it still stands
    after `ORDERLY_S`, with status 129 as a shell shows SIGHUP.
    """
    threading.Thread(target=_wait, args=(descriptor, lost, exit_now), name="terminal loss", daemon=True).start()


def _wait(descriptor: int, lost: Callable[[], None], exit_now: Callable[[int], object]) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # hang-ups and errors are told unasked
    poll.poll()
    lost()
    time.sleep(ORDERLY_S)
    exit_now(129)
