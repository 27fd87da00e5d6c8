"""What the cloud alone would have had in its prefix cache, had it answered every request: the measure of savings.

An agent's session on the cloud alone would have found almost all of each prompt in the provider's cache, also on those
turns that a local engine has answered here. Only hashes of prompts are kept, as in `prefix_cache`.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from backends.lru import LruDict
from backends.types import Request
from backends.upstream.engine_slot import CACHED_S
from backends.upstream.prefix_cache import Prefix, PrefixMemory, longest

KEPT = 20_000
"""Beginnings of prompts that are kept, about 200 bytes each."""


class Beginning(Struct, frozen=True):
    """A beginning that was read: its tokens, when, in seconds of the monotonic clock, and whether the cloud read it."""

    tokens: int
    at: float
    by_cloud: bool


class CloudAlone:
    """`cloud` is what the cloud engine remembers: how much of what it has read it then bills as cached."""

    def __init__(self, monotonic: Callable[[], float], cloud: PrefixMemory) -> None:
        self._monotonic = monotonic
        self._cloud = cloud
        self._read = LruDict[int, Beginning](KEPT)

    def cached_input(
        self, request: Request, chain: Sequence[int], *, tokens: int, measured: int, by_cloud: bool
    ) -> int:
        """How many of its `tokens` the cloud alone would have had in its cache; the prompt then counts as read.

        `chain` are the hashes of the prompt's beginnings. Where the cloud has read both the beginning and the prompt,
        `measured` is the truth; elsewhere it is the least.
        """
        found = self._find(chain)
        cached = measured
        if found is not None and not (by_cloud and found.by_cloud):
            cached = max(measured, self._cloud.expected_tokens(Prefix(found.tokens, 0, 0.0)))
        self._remember(request, chain, tokens, by_cloud)
        return min(cached, tokens)

    def _find(self, chain: Sequence[int]) -> Beginning | None:
        oldest = self._monotonic() - CACHED_S
        known = (self._read.get(link) for link in longest(chain))
        return next((each for each in known if each is not None and each.at >= oldest), None)

    def _remember(self, request: Request, chain: Sequence[int], tokens: int, by_cloud: bool) -> None:
        """The whole prompt, and its system prompt, which other sessions begin with as well."""
        if not chain:
            return
        now = self._monotonic()
        leading = next((at for at, each in enumerate(request.messages) if each.role != "system"), len(chain))
        if 0 < leading < len(chain):
            lengths = [len(message.text) for message in request.messages]
            share = sum(lengths[:leading]) / max(1, sum(lengths))
            self._read.put(chain[leading - 1], Beginning(int(tokens * share), now, by_cloud))
        self._read.put(chain[-1], Beginning(tokens, now, by_cloud))
