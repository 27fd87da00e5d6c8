"""The lock that keeps a second core from the ledger. It is advisory, and released when its holder dies."""

import fcntl
import os
from pathlib import Path

from backends.errors import LedgerError


class Lock:
    """Held from `take` until `release`; the file holds the pid, for the error message of a second core."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "Lock":
        """Raises LedgerError, naming the holder, where another core has it."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise LedgerError(
                f"{path} cannot be opened ({error.strerror}): make it a plain file that you may write"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise LedgerError(
                f"another core{holder} holds {path.parent}: attach to it with `claw`, or stop it first"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise LedgerError(f"{path} cannot be locked ({error.strerror}): use a local disk with free space") from None
        return cls(descriptor)

    def release(self) -> None:
        os.close(self._descriptor)


def is_held(path: Path) -> bool:
    """Does a core run on this state? Changes nothing."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, 20, 0)
    return f" (pid {pid.decode()})" if pid.isdigit() else ""
