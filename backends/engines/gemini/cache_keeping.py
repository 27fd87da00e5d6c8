"""What is done about a call's explicit cache once its answer is there: it is made, or lives longer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from backends.engines.base import Call, ExplicitCache, Kept
from backends.engines.gemini.explicit_caches import ExplicitCaches, PromptCache, PromptParts
from backends.errors import EngineError

GROWN = 2
"""A cache is made anew once what is known of the prompt is so many times as long."""


class CacheKeeping:
    """`notes` say, once `chunks` have ended, what the cache brought and what was done."""

    def __init__(self, caches: ExplicitCaches, wanted: ExplicitCache, call: Call, read: PromptCache | None) -> None:
        self._caches = caches
        self._wanted = wanted
        self._call = call
        self._read = read
        self.notes: tuple[str, ...] = () if read is None else (f"explicit cache: {read.tokens} tokens read",)

    async def chunks(self, parts: PromptParts) -> AsyncGenerator[Kept]:
        """What it takes: before anything is asked for the most that it can be, then what it is, where that is known."""
        with suppress(EngineError):
            async with aclosing(self._done(parts)) as done:
                async for kept in done:
                    yield kept

    async def _done(self, parts: PromptParts) -> AsyncGenerator[Kept]:
        wanted, caches, read = self._wanted, self._caches, self._read
        grown = read is None or wanted.tokens > GROWN * read.tokens
        if grown and caches.may_make(wanted, instead_of=read):
            most = self._call.most_tokens or wanted.tokens
            yield Kept(written=most, token_seconds=most * wanted.seconds)
            made = await caches.make(wanted, self._call.model, parts, instead_of=read)
            yield Kept() if made is None else Kept(made.tokens, made.tokens * wanted.seconds)
            if made is not None:
                self.notes += (f"explicit cache: {made.tokens} tokens kept for {wanted.seconds} s",)
        elif read is not None and (seconds := caches.missing_s(read, wanted)):
            yield Kept(token_seconds=read.tokens * seconds)
            if await caches.extend(read, seconds):
                self.notes += (f"explicit cache: kept {seconds} s longer",)
            else:
                yield Kept()
