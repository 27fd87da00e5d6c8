"""The keys that agents show at the gateway: a file of hashes beside claw.toml, changed by `claw key`.

A key has 256 random bits, so that its plain SHA-256 cannot be guessed backwards and needs no salt.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backends.errors import WrongSettings, WrongUse
from backends.paths import replace_private

PREFIX = "claw_"
SECRET_BYTES, ID_BYTES = 32, 4

MOST_KEYS = 1000
REVOKED_KEPT = 100
"""The newest revoked keys stay in the file: while one is there, keys do not turn off by themselves."""
MOST_BYTES = 1_000_000


class AgentKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` names the key and is no secret; `sha256` is the key's hash, in hex."""

    id: str
    agent: str
    sha256: str
    created_at: datetime
    revoked_at: datetime | None = None

    @property
    def valid(self) -> bool:
        return self.revoked_at is None


class AgentKeys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All keys of this installation, oldest first."""

    keys: tuple[AgentKey, ...] = ()


def hash_of(key: str) -> str:
    """64 hex digits, for any text."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read(path: Path) -> AgentKeys:
    """No keys where there is no file. Raises WrongSettings for one that others may read, or that cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return AgentKeys()
    except OSError as error:
        raise WrongSettings(f"{path} cannot be read ({error.strerror}): make it a plain file of yours") from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise WrongSettings(f"{path} is not a plain file of yours: move it away, and make the keys anew")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise WrongSettings(f"{path} is open to others: run `chmod 600 {path}`, then `claw key rotate` each agent")
        data = file.read(MOST_BYTES + 1)
    try:
        return msgspec.json.decode(data, type=AgentKeys)
    except msgspec.DecodeError:  # a ValidationError too; it may quote what is in the file
        raise WrongSettings(f"{path} is damaged: restore it, or move it away and make the keys anew") from None


def add(path: Path, agent: str, at: datetime) -> tuple[AgentKey, str]:
    """A new key for `agent`, and its secret text, which nobody can read again. Raises WrongSettings, WrongUse."""
    with _changing(path) as keys:
        made, secret = _new(agent, at)
        keys.append(made)
    return made, secret


def rotate(path: Path, name: str, at: datetime) -> tuple[AgentKey, str]:
    """A new key in the place of those that `name` means (see `revoke`), which end at once."""
    with _changing(path) as keys:
        ended = _revoke(keys, name, at)
        made, secret = _new(ended[0].agent, at)
        keys.append(made)
    return made, secret


def revoke(path: Path, name: str, at: datetime) -> list[AgentKey]:
    """End the key with the id `name`, else all keys of the agent of that name. Returns them.

    Raises WrongUse where none is valid.
    """
    with _changing(path) as keys:
        return _revoke(keys, name, at)


def _new(agent: str, at: datetime) -> tuple[AgentKey, str]:
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    return AgentKey(id=secrets.token_hex(ID_BYTES), agent=agent, sha256=hash_of(secret), created_at=at), secret


def _revoke(keys: list[AgentKey], name: str, at: datetime) -> list[AgentKey]:
    valid = [key for key in keys if key.valid]
    meant = [key for key in valid if key.id == name] or [
        key for key in valid if key.agent.casefold() == name.casefold()
    ]
    if not meant:
        raise WrongUse("no valid key has that id or agent: see `claw key list`")
    ended = [replace(key, revoked_at=at) for key in meant]
    for old, new in zip(meant, ended, strict=True):
        keys[keys.index(old)] = new
    return ended


@contextmanager
def _changing(path: Path) -> Iterator[list[AgentKey]]:
    """The keys, written back where the block ends well; one at a time, whoever else runs `claw key`."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        keys = list(read(path).keys)
        yield keys
        revoked = [key for key in keys if not key.valid]
        dropped = {key.id for key in revoked[:-REVOKED_KEPT]}
        kept = tuple(key for key in keys if key.id not in dropped)
        if len(kept) - len(revoked) + len(dropped) > MOST_KEYS:
            raise WrongUse(f"there are {MOST_KEYS} keys already: revoke those that nobody uses")
        try:
            replace_private(path, msgspec.json.format(msgspec.json.encode(AgentKeys(keys=kept)), indent=2) + b"\n")
        except OSError as error:
            raise WrongSettings(f"{path} cannot be written ({error.strerror})") from None
    finally:
        os.close(folder)
