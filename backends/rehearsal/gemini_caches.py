"""The Gemini twin's explicit caches: prompts kept under a name, for a time."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from backends.rehearsal.gemini_requests import read, read_prompt
from backends.rehearsal.scripted_answers import RequestRejected, count_prompt

LEAST_TOKENS = 1_024


class Caches:
    """cachedContents by name."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._kept: dict[str, dict[str, Any]] = {}

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Raises RequestRejected for one that is too small or misses its model."""
        model = read(body, "model")
        if not isinstance(model, str):
            raise RequestRejected("* CreateCachedContentRequest.cached_content.model: model is not specified\n")
        tokens = count_prompt(read_prompt(body).ask)
        if tokens < LEAST_TOKENS:
            raise RequestRejected(
                f"Cached content is too small. total_token_count={tokens}, min_total_token_count={LEAST_TOKENS}"
            )
        now = datetime.now(UTC)
        ttl = str(read(body, "ttl", "3600s")).removesuffix("s")
        name = f"cachedContents/rehearsal{next(self._numbers):04}"
        self._kept[name] = {
            "name": name,
            "model": model,
            "displayName": read(body, "displayName", ""),
            "createTime": now.isoformat(),
            "updateTime": now.isoformat(),
            "expireTime": (now + timedelta(seconds=float(ttl))).isoformat(),
            "usageMetadata": {"totalTokenCount": tokens},
        }
        return self._kept[name]

    def find(self, name: str) -> dict[str, Any] | None:
        kept = self._kept.get(name)
        if kept is not None and datetime.fromisoformat(kept["expireTime"]) <= datetime.now(UTC):
            del self._kept[name]
            return None
        return kept

    def list(self) -> list[dict[str, Any]]:
        return [kept for name in list(self._kept) if (kept := self.find(name))]

    def delete(self, name: str) -> bool:
        return self._kept.pop(name, None) is not None
