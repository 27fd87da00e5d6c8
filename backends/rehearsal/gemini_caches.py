"""The Gemini twin's explicit caches: prompts kept under a name, for a time, and billed by the token and the hour."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.rehearsal.gemini_requests import GeminiPrompt, read, read_prompt
from backends.rehearsal.scripted_answers import RequestRejected, count_prompt

LEAST_TOKENS = 1_024
LEAST_TOKENS_PRO = 4_096
STORED_USD = Decimal(1)
"""US dollars for a million tokens and an hour, and for one of the Pro models:"""
STORED_USD_PRO = Decimal("4.5")

BESIDE = ("systemInstruction", "tools", "toolConfig")
TTL = re.compile(r"(\d+(?:\.\d{1,9})?)s")
USUAL_S = 3600.0


class KeptPrompt(Struct, frozen=True, kw_only=True):
    """One that is kept: Google's card of it, and what a model reads of it."""

    card: dict[str, Any]
    model: str
    tokens: int
    prompt: GeminiPrompt
    ends_at: datetime


class Caches:
    """cachedContents by name. `now` is the time of day."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._numbers = count(1)
        self._kept: dict[str, KeptPrompt] = {}
        self._now = now

    def create(self, body: dict[str, Any]) -> tuple[KeptPrompt, Decimal]:
        """What is kept, and the US dollars for storing it. Raises RequestRejected for one that is too small, or misses
        its model.
        """
        model = read(body, "model")
        if not isinstance(model, str) or not model:
            raise RequestRejected("* CreateCachedContentRequest.cached_content.model: model is not specified\n")
        if not model.startswith("models/"):
            raise RequestRejected("* CreateCachedContentRequest.model: unexpected model name format")
        name, prompt = model.removeprefix("models/"), read_prompt(body, whole=False)
        tokens, least = count_prompt(prompt.ask), LEAST_TOKENS_PRO if _is_pro(name) else LEAST_TOKENS
        if tokens < least:
            raise RequestRejected(
                f"Cached content is too small. total_token_count={tokens}, min_total_token_count={least}"
            )
        seconds = _seconds(body)
        ends_at = self._now() + timedelta(seconds=seconds)
        id = f"cachedContents/rehearsal{next(self._numbers):04}"
        card = {
            "name": id,
            "model": model,
            "displayName": read(body, "displayName", ""),
            "createTime": self._now().isoformat(),
            "updateTime": self._now().isoformat(),
            "expireTime": ends_at.isoformat(),
            "usageMetadata": {"totalTokenCount": tokens},
        }
        kept = KeptPrompt(card=card, model=name, tokens=tokens, prompt=prompt, ends_at=ends_at)
        self._kept[id] = kept
        return kept, _stored_usd(name, tokens, seconds)

    def extend(self, name: str, body: dict[str, Any]) -> tuple[KeptPrompt, Decimal] | None:
        """Another time to live from now on, and the US dollars for what it adds; None where there is none.

        Raises RequestRejected for any other change.
        """
        kept = self.find(name)
        if kept is None:
            return None
        if set(body) - {"ttl", "expireTime", "expire_time", "name"}:
            raise RequestRejected(
                "* UpdateCachedContentRequest: only the expiration of a cached content can be updated\n"
            )
        ends_at = self._now() + timedelta(seconds=_seconds(body))
        added = max(0.0, (ends_at - kept.ends_at).total_seconds())
        card = kept.card | {"updateTime": self._now().isoformat(), "expireTime": ends_at.isoformat()}
        self._kept[name] = kept = replace(kept, card=card, ends_at=ends_at)
        return kept, _stored_usd(kept.model, kept.tokens, added)

    def find(self, name: str) -> KeptPrompt | None:
        kept = self._kept.get(name)
        if kept is not None and kept.ends_at <= self._now():
            del self._kept[name]
            return None
        return kept

    def list(self) -> list[dict[str, Any]]:
        return [kept.card for name in list(self._kept) if (kept := self.find(name))]

    def delete(self, name: str) -> bool:
        return self._kept.pop(name, None) is not None


def read_with(kept: KeptPrompt, model: str, body: dict[str, Any], prompt: GeminiPrompt) -> GeminiPrompt:
    """What the model reads: what is kept, and the turns behind it. Raises RequestRejected where Gemini refuses."""
    if any(read(body, name) for name in BESIDE):
        raise RequestRejected(
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or"
            " tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request."
        )
    if model != kept.model:
        raise RequestRejected(
            f"Model used by GenerateContent request (models/{model}) and CachedContent (models/{kept.model}) has to be"
            " the same."
        )
    before = kept.prompt
    asked = replace(
        prompt.ask,
        turns=(*before.ask.turns, *prompt.ask.turns),
        tools=before.ask.tools,
        must_call=before.ask.must_call,
    )
    return replace(prompt, ask=asked, system=before.system)


def _seconds(body: dict[str, Any]) -> float:
    ttl = read(body, "ttl", f"{USUAL_S}s")
    found = TTL.fullmatch(ttl) if isinstance(ttl, str) else None
    if found is None:
        raise RequestRejected("Invalid value at 'cached_content.ttl' (type.googleapis.com/google.protobuf.Duration)")
    return float(found[1])


def _stored_usd(model: str, tokens: int, seconds: float) -> Decimal:
    price = STORED_USD_PRO if _is_pro(model) else STORED_USD
    return price * tokens * Decimal(seconds) / 3600 / 1_000_000


def _is_pro(model: str) -> bool:
    return "pro" in model.split("-")
