"""Which prompts an engine has read lately, and so how much of the next one its prefix cache is likely to hold.

Requests of one session share almost all of their bytes as a prefix, and engines keep what they read: a provider bills
it at a tenth of the price, a local server answers sooner. Only hashes are kept here, which are different in each
process, and nothing of the prompts.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from backends.types import Request

encoded = msgspec.json.Encoder().encode

LEAST_TOKENS = 1024
"""Gemini and OpenAI cache no shorter prefix (ai.google.dev/gemini-api/docs/caching)."""

FIRST_SHARE = 0.5
"""The share of an expected prefix that counts as cached before any answer has shown it."""

WEIGHT = 0.2
"""The newest answer's weight in that share."""


def prefixes(request: Request) -> tuple[int, ...]:
    """A hash for each message: equal hashes mean that everything up to there is equal. The tools count before it.

    Takes as long as reading the prompt once, 0.1 ms for 100 kB.
    """
    running = hash(tuple((tool.name, tool.description, encoded(tool.parameters)) for tool in request.tools))
    found = []
    for message in request.messages:
        calls = tuple((call.name, call.arguments) for call in message.tool_calls)
        running = hash((running, message.role, message.text, calls, len(message.media)))
        found.append(running)
    return tuple(found)


class Prefix(Struct, frozen=True):
    """A prompt that was read: its tokens, which replica read it, and when, in seconds of the monotonic clock.

    `messages` is how many it had. `counted`: the engine itself has counted the tokens of just these messages.
    """

    tokens: int
    replica: int
    at: float
    messages: int = 0
    counted: bool = False


class PrefixMemory:
    """One engine's. `size` is how many prompts it keeps, `seconds` how long."""

    def __init__(self, monotonic: Callable[[], float], *, size: int, seconds: float) -> None:
        self._monotonic = monotonic
        self._size = size
        self._seconds = seconds
        self._read: OrderedDict[tuple[str, int], Prefix] = OrderedDict()
        self._share = FIRST_SHARE

    def find(self, model: str, chain: Sequence[int]) -> Prefix | None:
        """The longest prefix of the prompt that `model` has read lately."""
        oldest = self._monotonic() - self._seconds
        for link in reversed(chain):
            found = self._read.get((model, link))
            if found is not None and found.at >= oldest:
                return found
        return None

    def counted(self, model: str, chain: Sequence[int]) -> Prefix | None:
        """The longest prefix of the prompt whose tokens the engine has counted for `model`, however long ago."""
        found = (self._read.get((model, link)) for link in reversed(chain))
        return next((prefix for prefix in found if prefix is not None and prefix.counted), None)

    def expected_tokens(self, prefix: Prefix | None) -> int:
        """Input tokens that the engine is likely to bill as cached."""
        return round(prefix.tokens * self._share) if prefix is not None and prefix.tokens >= LEAST_TOKENS else 0

    def kept_s(self, prefix: Prefix | None) -> tuple[float, float]:
        """For how many seconds a prefix that was read stays, and for how many it would if it were read now."""
        age = 0.0 if prefix is None else self._monotonic() - prefix.at
        return max(0.0, self._seconds - age) if prefix is not None else 0.0, self._seconds

    def read(self, model: str, chain: Sequence[int], *, tokens: int, replica: int, counted: bool = False) -> None:
        """The engine has read a whole prompt, and, where it is `counted`, says itself how many tokens it has."""
        if not chain:
            return
        key = model, chain[-1]
        self._read[key] = Prefix(tokens, replica, self._monotonic(), len(chain), counted)
        self._read.move_to_end(key)
        while len(self._read) > self._size:
            self._read.popitem(last=False)

    def learn(self, prefix: Prefix | None, cached_input: int) -> None:
        """What was billed as cached where `prefix` was expected to be."""
        if prefix is not None and prefix.tokens >= LEAST_TOKENS:
            share = min(1.0, cached_input / prefix.tokens)
            self._share += WEIGHT * (share - self._share)
