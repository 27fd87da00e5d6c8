"""A stored answer in pieces, as it would come from an engine, at once or at a pace."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator

PIECE = 64  # characters, about; an answer of a screen is some twenty pieces
TOKEN = 4  # characters, about


def pieces(text: str, size: int = PIECE) -> Iterator[str]:
    """Words of `text` in pieces of `size` characters or somewhat more; together they are `text`."""
    held = ""
    for word in re.findall(r"\S*\s*", text):
        held += word
        if len(held) >= size:
            yield held
            held = ""
    if held:
        yield held


async def streamed(text: str, *, tokens_per_s: float, within_s: float) -> AsyncGenerator[str]:
    """The pieces, at once where `tokens_per_s` is 0; a pace that would take longer than `within_s` is quickened."""
    if not tokens_per_s:
        for piece in pieces(text):
            yield piece
        return
    pause_s = 1 / max(tokens_per_s, len(text) / TOKEN / max(0.001, within_s))
    for piece in pieces(text, TOKEN):
        await asyncio.sleep(pause_s * len(piece) / TOKEN)
        yield piece
