"""Names for requests: sortable by time, short enough to type into `claw act cancel`."""

import os
import time


def new_id() -> str:
    """21 hex digits: 11 of Unix milliseconds, 10 random ones."""
    return f"{time.time_ns() // 1_000_000:011x}{os.urandom(5).hex()}"
