"""A listening Unix socket that only its owner can reach, in place of a dead one and of nothing else."""

import os
import socket
import stat
from pathlib import Path

from backends.errors import ClawError, WrongSettings
from backends.paths import SUN_PATH_MAX

BACKLOG = 64
PROBE_S = 1.0


def bind(path: Path) -> socket.socket:
    """Listen at `path`, mode 0600 from birth, in a folder that is the owner's alone.

    A dead socket left there is replaced; the caller must hold the core's lock, so that two starters cannot replace each
    other's. Raises WrongSettings for a path that is too long, ClawError for what must not be touched.
    """
    if len(os.fsencode(path)) > SUN_PATH_MAX:
        raise WrongSettings(
            f"{path} is longer than the {SUN_PATH_MAX} bytes a socket may have: set CLAW_HOME to a shorter one"
        )
    _own_folder(path.parent)
    _clear(path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        # Linux gives the file the mode that the socket has when it is bound, less the umask.
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ClawError(f"cannot listen on {path}: {error.strerror or error}") from None
    return listener


def unlink_own(path: Path, inode: int) -> None:
    """Remove `path` where it is still the socket of this inode."""
    try:
        if path.lstat().st_ino == inode:
            path.unlink()
    except FileNotFoundError:
        pass


def _own_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise ClawError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ClawError(f"{folder} must be a folder of your own, and no link to one: move it away, or set CLAW_HOME")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


def _clear(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ClawError(f"{path} is not a socket, so it is left alone: move it away")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            raise ClawError(f"{path} does not say whether it is in use ({error}): remove it if no core runs") from None
    raise ClawError(f"another core listens on {path}: attach to it with `claw`, or stop it first")
