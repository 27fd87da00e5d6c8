"""Beginnings of prompts that Gemini keeps under a name for an hourly price: its cachedContents.

Source: https://ai.google.dev/api/caching. A cache holds instructions, tools and the first turns; a call that reads it
sends the turns behind them alone. Each belongs to one agent and is read for that agent only. Whether one pays is
decided elsewhere; here are those that were made, bounded in number and tokens. One that is not used ends by itself.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backends.engines.api_key import ApiKey
from backends.engines.base import ExplicitCache
from backends.engines.call_scope import ExtraFields
from backends.engines.probe import Probe
from backends.errors import EngineError

HEAD = ("systemInstruction", "tools", "toolConfig")
"""What a call that reads a cache may not send beside it."""

MOST_CACHES = 16
MOST_EACH = 4
"""Caches of one agent, whose sessions may run side by side."""

MOST_TOKENS = 1_000_000
"""In all caches together; a million tokens of a Flash model cost a dollar an hour."""

ANSWER_S = 5.0
"""How long Gemini has to make, extend or delete one. The caller has its answer by then, and waits for its end."""

PAUSE_S = 600.0
"""No cache is made for so long after one was refused: a free key, for instance, has none."""


class PromptParts(Struct, frozen=True):
    """A body's fields, and its turns one by one, as JSON. The first `stable` ones are likely to come again."""

    fields: ExtraFields
    turns: tuple[bytes, ...]
    stable: int = 0

    @property
    def head(self) -> dict[str, Any]:
        return {name: self.fields[name] for name in HEAD if name in self.fields}

    def behind(self, cache: "PromptCache") -> ExtraFields:
        """The fields of a call that reads the cache."""
        rest = {name: value for name, value in self.fields.items() if name not in HEAD}
        name = msgspec.Raw(msgspec.json.encode(cache.name))
        return rest | {"contents": joined(self.turns[cache.turns :]), "cachedContent": name}


class PromptCache(Struct, frozen=True, kw_only=True):
    """One that Gemini keeps: the first `turns` of prompts of `owner`, known by their digest. Ends at `ends_at`, in
    seconds of the monotonic clock.
    """

    name: str
    owner: str
    model: str
    turns: int
    digest: bytes
    tokens: int
    ends_at: float


class ExplicitCaches:
    """Those of one engine. Making and extending one raise EngineError where it is not known whether that was done."""

    def __init__(self, probe: Probe, key: ApiKey, monotonic: Callable[[], float], *, most: int = MOST_CACHES) -> None:
        self._probe = probe
        self._key = key
        self._monotonic = monotonic
        self._most = most
        self._kept: dict[str, PromptCache] = {}
        self._read: set[str] = set()
        self._paused_until = 0.0

    def find(self, wanted: ExplicitCache, model: str, parts: PromptParts) -> PromptCache | None:
        """The longest that holds the beginning of this prompt; None where there is none that still lives a moment."""
        now = self._monotonic()
        live = [
            each
            for each in self._kept.values()
            if (each.owner, each.model) == (wanted.owner, model) and each.ends_at > now + ANSWER_S
        ]
        turns = {each.turns for each in live if each.turns < len(parts.turns)}
        digests = dict(_digests(parts, turns)) if turns else {}
        held = [each for each in live if digests.get(each.turns) == each.digest]
        found = max(held, key=lambda each: each.turns, default=None)
        if found is not None:
            self._read.add(found.name)
        return found

    def may_make(self, wanted: ExplicitCache, *, instead_of: PromptCache | None) -> bool:
        """Is there room for one? None is made while another of the agent's was never read: its prompts do not begin as
        they were expected to.
        """
        others = [each for each in self._live() if each != instead_of]
        own = [each for each in others if each.owner == wanted.owner]
        room = len(others) < self._most and sum(each.tokens for each in others) + wanted.tokens <= MOST_TOKENS
        read = len(own) < MOST_EACH and all(each.name in self._read for each in own)
        return wanted.make and room and read and self._monotonic() >= self._paused_until

    async def make(
        self, wanted: ExplicitCache, model: str, parts: PromptParts, *, instead_of: PromptCache | None
    ) -> PromptCache | None:
        """Keep the turns that are likely to come again. None where Gemini refuses."""
        turns = parts.stable
        head = dict(parts.head) | ({"contents": joined(parts.turns[:turns])} if turns else {})
        body = {"model": f"models/{model.removeprefix('models/')}", "ttl": f"{wanted.seconds}s", **head}
        began = self._monotonic()
        paused, self._paused_until = self._paused_until, began + PAUSE_S
        told = await self._send("POST", "/v1beta/cachedContents", body)
        name, tokens = _text(told, "name"), _tokens(told)
        if not name or not tokens:
            return None
        self._paused_until = paused
        if instead_of is not None:
            await self.delete(instead_of)
        (digest,) = (found for _, found in _digests(parts, {turns}))
        made = PromptCache(
            name=name,
            owner=wanted.owner,
            model=model,
            turns=turns,
            digest=digest,
            tokens=tokens,
            ends_at=began + wanted.seconds,
        )
        self._kept[name] = made
        return made

    def missing_s(self, cache: PromptCache, wanted: ExplicitCache) -> int:
        """Seconds by which it should be extended now: it is used, and less than half of its time is left."""
        left = cache.ends_at - self._monotonic()
        return max(0, int(wanted.seconds - left)) if left < wanted.seconds / 2 else 0

    async def extend(self, cache: PromptCache, seconds: int) -> bool:
        """Let it live for `seconds` longer; False where Gemini refuses."""
        ends_at = cache.ends_at + seconds
        ttl = f"{int(ends_at - self._monotonic())}s"
        if await self._send("PATCH", f"/v1beta/{cache.name}?updateMask=ttl", {"ttl": ttl}) is None:
            self.forget(cache)
            return False
        self._kept[cache.name] = replace(cache, ends_at=ends_at)
        return True

    def forget(self, cache: PromptCache) -> None:
        """Gemini no longer has it."""
        self._kept.pop(cache.name, None)

    async def delete(self, cache: PromptCache) -> None:
        """It is forgotten in any case; where Gemini cannot be reached, it ends there by itself."""
        self.forget(cache)
        with suppress(EngineError):
            await self._send("DELETE", f"/v1beta/{cache.name}", None)

    async def close(self) -> None:
        """Delete all that still live."""
        for each in self._live():
            await self.delete(each)

    def _live(self) -> list[PromptCache]:
        now = self._monotonic()
        self._kept = {name: each for name, each in self._kept.items() if each.ends_at > now}
        self._read &= self._kept.keys()
        return list(self._kept.values())

    async def _send(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any] | None:
        """Gemini's answer; None where it refuses."""
        headers = {"x-goog-api-key": self._key.checked()}
        status, told = await self._probe.json(path, answer_s=ANSWER_S, headers=headers, body=body, method=method)
        return told if status == 200 and isinstance(told, dict) else None


def joined(turns: Sequence[bytes]) -> msgspec.Raw:
    """A JSON array."""
    return msgspec.Raw(b"[" + b",".join(turns) + b"]")


def _digests(parts: PromptParts, turns: set[int]) -> Iterator[tuple[int, bytes]]:
    """The digest of the prompt's beginning with so many turns, for each of these numbers."""
    running = sha256(msgspec.json.encode(parts.head))
    for number in range(max(turns) + 1):
        if number in turns:
            yield number, running.digest()
        if number < len(parts.turns):
            running.update(parts.turns[number] + b"\n")


def _text(told: dict[str, Any] | None, name: str) -> str:
    value = (told or {}).get(name)
    return value if isinstance(value, str) and value.startswith("cachedContents/") else ""


def _tokens(told: dict[str, Any] | None) -> int:
    usage = (told or {}).get("usageMetadata")
    count = usage.get("totalTokenCount") if isinstance(usage, dict) else None
    return count if isinstance(count, int) and count > 0 else 0
