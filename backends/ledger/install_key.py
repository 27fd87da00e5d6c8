"""The key of this installation, for prompt hashes: equal prompts have equal hashes, and no hash can be guessed."""

import contextlib
import os
from hashlib import blake2b
from pathlib import Path

from backends.errors import LedgerError

KEY_BYTES = 32
SEPARATOR = b"\x1e"


class InstallKey:
    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def load(cls, path: Path) -> "InstallKey":
        """Read the key, or make one at the first start. Raises LedgerError; a file that is no key is never replaced."""
        try:
            return cls(_read(path) or _make(path))
        except OSError as error:
            raise LedgerError(f"{path} cannot be used ({error.strerror}): make it a plain file that you own") from None

    def derived(self, purpose: str) -> bytes:
        """32 bytes for another purpose. This key cannot be computed from them."""
        return blake2b(purpose.encode(), key=self._key, digest_size=32).digest()

    def prompt_hash(self, *texts: str) -> str:
        """32 hex digits, of all the texts."""
        hashed = blake2b(key=self._key, digest_size=16)
        for number, text in enumerate(texts):
            hashed.update(SEPARATOR if number else b"")
            hashed.update(text.encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        os.fchmod(descriptor, 0o600)
        key = os.read(descriptor, KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(key) != KEY_BYTES:
        raise LedgerError(f"{path} is not {KEY_BYTES} bytes long: restore it, or move it away for a new one")
    return key


def _make(path: Path) -> bytes:
    """Written to a temporary file and linked: two starting cores agree on one key, a crash leaves no partial one."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, os.urandom(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)
    temporary.unlink()
    made = _read(path)
    if made is None:
        raise LedgerError(f"{path} vanished while it was made: start again")
    return made
