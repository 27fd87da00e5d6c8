"""Bodies encrypted under a key of the install: who takes the cache's file without that key reads no text.

AES-256-GCM from `cryptography`, which Google's SDK brings. The key lies in the same home, so it guards copies and
backups of the file, not a machine that is broken into.
"""

import os
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes; random, so far from 2**32 entries under one key


class BodyCipher:
    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, digest_size=32, person=b"claw cache bodie").digest()

    def encrypt(self, body: bytes, *, about: bytes) -> bytes:
        """`body` encrypted and bound to `about`, so that it opens in no other row."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, body, about)

    def decrypt(self, sealed: bytes, *, about: bytes) -> bytes | None:
        """What was closed, None where the key or the row is another, or a byte was changed."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], about)
        except (InvalidTag, ValueError):
            return None

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)
