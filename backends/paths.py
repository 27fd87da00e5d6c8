"""Every place on disk, in one file.

`CLAW_HOME` puts all under one folder; without it the platform's own folders are used. Rehearsal keeps a ledger,
cache and socket of its own under `rehearsal/`, so that simulated figures never mix with real ones.
"""

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import platformdirs
from msgspec import Struct

from backends.errors import WrongSettings

SUN_PATH_MAX = 107  # bytes a Unix socket's path may have on Linux


class Paths(Struct, frozen=True, kw_only=True):
    """`config` is shared by real and rehearsal runs; the rest is apart."""

    config: Path
    state: Path
    run: Path

    @classmethod
    def find(cls, *, rehearsal: bool = False, environ: dict[str, str] | None = None) -> "Paths":
        env = os.environ if environ is None else environ
        if home := env.get("CLAW_HOME"):
            root = Path(home).expanduser().absolute()
            config, state, run = root / "claw.toml", root / "state", root / "run"
        else:
            dirs = platformdirs.PlatformDirs("claw", appauthor=False)
            config = dirs.user_config_path / "claw.toml"
            state = dirs.user_state_path
            run = state / "run"
        if rehearsal:
            state, run = state / "rehearsal", run / "rehearsal"
        return cls(config=config, state=state, run=run)

    @property
    def agent_keys(self) -> Path:
        """Hashes of the keys that agents show at the gateway, in rehearsal too."""
        return self.config.parent / "agent-keys.json"

    @property
    def ledger(self) -> Path:
        return self.state / "ledger.db"

    @property
    def spill(self) -> Path:
        """Rows that the ledger could not take yet."""
        return self.state / "ledger.spill"

    @property
    def spend_record(self) -> Path:
        """What budgets were charged, should the ledger be lost."""
        return self.state / "spend.db"

    @property
    def sent_marks(self) -> Path:
        """Which open calls may have left this machine."""
        return self.state / "calls.sent"

    @property
    def cache(self) -> Path:
        return self.state / "cache.db"

    @property
    def signatures(self) -> Path:
        """Thought signatures for the next turn of tool loops."""
        return self.state / "signatures.db"

    @property
    def lock(self) -> Path:
        """Held with flock by the one core that owns this state."""
        return self.state / "core.lock"

    @property
    def socket(self) -> Path:
        return self.run / "claw.sock"

    @property
    def control_token(self) -> Path:
        """What attaching by the gateway's address needs; made anew by each `claw serve`."""
        return self.run / "control.token"

    @property
    def log(self) -> Path:
        return self.state / "claw.log"

    @property
    def install_key(self) -> Path:
        """32 random bytes that key the ledger's prompt hashes."""
        return self.state / "install.key"

    @property
    def learned(self) -> Path:
        """What feedback has taught the router, a file for each training."""
        return self.state / "router"

    @property
    def console_state(self) -> Path:
        """The chat's history of prompts and the console's last theme."""
        return self.state / "console.json"

    @property
    def serve_log(self) -> Path:
        """What a core says that a console left running in the background."""
        return self.state / "serve.log"

    @property
    def themes(self) -> Path:
        """The user's own themes for the console, beside claw.toml."""
        return self.config.parent / "themes"

    @property
    def console_view(self) -> Path:
        """Which pane the console showed last, and what its operator has seen."""
        return self.state / "console-view.json"

    @property
    def saved_prompts(self) -> Path:
        """Prompts that the operator saved by name in the chat."""
        return self.state / "prompts.toml"

    @property
    def copied(self) -> Path:
        """What was copied last where no clipboard took it."""
        return self.state / "copied.txt"

    def make(self) -> None:
        """Create the folders and what is missing above them, readable by their owner alone. Raises WrongSettings."""
        for folder in (self.config.parent, self.state, self.run):
            for each in reversed((folder, *folder.parents)):
                try:
                    each.mkdir(mode=0o700, exist_ok=True)
                except OSError as error:
                    raise WrongSettings(
                        f"{each} cannot be made ({error.strerror}): set CLAW_HOME to a folder you may write"
                    ) from None


def open_private(path: str, flags: int) -> int:
    """An `opener` for `open()`: the file is 0600 from birth, and made so where it was wider.

    Raises OSError: also for a symbolic link, so that none of our files leads to one of somebody else.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "a symbolic link is not followed: put a plain file in its place", path) from None
        raise
    try:
        os.fchmod(descriptor, 0o600)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def make_private(path: Path) -> None:
    """An empty file where there is none. Its mode, and that of what SQLite keeps beside it, is 0600. Raises OSError."""
    os.close(open_private(str(path), os.O_RDWR | os.O_CREAT))
    for tail in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.close(open_private(f"{path}{tail}", os.O_RDWR))


def replace_private(path: Path, data: bytes) -> None:
    """Put a file of mode 0600 in the place of `path`, whole or not at all, whoever else writes it at the same time.

    A symbolic link is replaced and never followed, nor is one that lies in wait beside it. Raises OSError.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    written = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        written.replace(path)
    except OSError:  # a full disk, for one
        written.unlink(missing_ok=True)
        raise


def read_bounded(path: Path, most: int) -> bytes:
    """A file of at most so many bytes. Raises OSError, also for a longer one, and for a device or a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        known = os.fstat(descriptor)
        if not stat.S_ISREG(known.st_mode) or known.st_size > most:
            raise OSError(errno.EFBIG, f"it is no file of at most {most:,} bytes", str(path))
        return file.read(most)
