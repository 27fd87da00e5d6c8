"""How much one upstream answer may say: an engine that passes its own cap is not listened to for ever.

What a call says is kept until its row is written, for whoever listens late and for the ledger, so this also bounds the
memory that it takes: at the usual cap of 8,192 tokens 131 kB of text.
"""

from collections.abc import Iterable

from backends.engines.base import TIMES_CAP, TOKEN_BYTES, Call, answer_byte_limit
from backends.types import ToolCall

SIGNATURES_BYTES = 1 << 20
"""Of all signatures in one answer, which are no part of what it says; the longest seen has 47 kB."""


class AnswerRoom:
    def __init__(self, call: Call) -> None:
        self.tokens = call.most_output
        self._left = answer_byte_limit(call)
        self._signatures_left = SIGNATURES_BYTES
        self.full = False

    @property
    def note(self) -> str:
        return f"cut: the answer went on past {TIMES_CAP} times its cap of {self.tokens} tokens"

    def text(self, said: str) -> str:
        """As much of it as there is room for. A piece takes a token's room at least, however short it is."""
        data = said.encode("utf-8", "surrogatepass")
        fits = len(data) <= self._left
        kept = said if fits else data[: self._left].decode("utf-8", "ignore")
        self._take(max(len(data), TOKEN_BYTES) if data else 0)
        return kept

    def signature(self, signature: str | None) -> str | None:
        """A signature, while there is room for those."""
        self._signatures_left -= len(signature or "")
        return signature if self._signatures_left >= 0 else None

    def calls(self, wanted: Iterable[ToolCall]) -> tuple[ToolCall, ...]:
        """The calls that fit whole: half a call is none."""
        kept = []
        for call in wanted:
            size = len(call.name) + len(call.arguments.encode("utf-8", "surrogatepass"))
            if size <= self._left and not self.full:
                kept.append(call)
            self._take(max(size, TOKEN_BYTES))
        return tuple(kept)

    def _take(self, size: int) -> None:
        self.full = self.full or size > self._left
        self._left = max(0, self._left - size)
