"""Encryption of bodies with this install's key: the cache's file alone reveals no text.

AES-256-GCM from `cryptography`. The key lies in the same home, so this protects copies and backups of the file, not a
machine that someone has broken into.
"""

import os
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes; random, which is safe far below 2**32 entries under one key


class BodyCipher:
    """`secret` is 32 random bytes of this install; the key is derived from it."""

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, digest_size=32, person=b"claw cache bodie").digest()

    def encrypt(self, body: bytes, *, bound_to: bytes) -> bytes:
        """`body` encrypted and bound to `bound_to`, so that it cannot be decrypted in another row."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, body, bound_to)

    def decrypt(self, encrypted: bytes, *, bound_to: bytes) -> bytes | None:
        """The body; None if the key or the row is another one, or a byte was changed."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(encrypted[:NONCE], encrypted[NONCE:], bound_to)
        except (InvalidTag, ValueError):
            return None

    @cached_property
    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._key)
