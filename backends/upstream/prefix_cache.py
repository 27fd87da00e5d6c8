"""Which prompts an engine has read lately, and so how much of the next one its prefix cache is likely to hold.

Requests of one session share almost all of their bytes as a prefix, and engines keep what they read: a provider bills
it at a tenth of the price, a local server answers sooner. Only hashes are kept here, which are different in each
process, and nothing of the prompts.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import msgspec
from msgspec import Struct

from backends.engines.base import Call
from backends.lru import LruDict
from backends.types import Message, Request, Tool

encoded = msgspec.json.Encoder().encode

LEAST_TOKENS = 1024
"""Gemini and OpenAI cache no shorter prefix (ai.google.dev/gemini-api/docs/caching)."""

FIRST_SHARE = 0.5
"""The share of an expected prefix that counts as cached before any answer has shown it."""

WEIGHT = 0.2
"""The newest answer's weight in that share, over all of an engine's sessions."""

SESSION_WEIGHT = 0.4
"""The same within one session, whose requests are more alike."""

SESSIONS = 2048
"""Sessions whose share is learned for each engine, the last used; some 200 bytes each."""

SEARCHED = 512
"""Of a prompt's beginnings the longest that are sought, and messages of a prompt whose beginnings are kept: a turn
adds some messages to what an engine has read, and all of this is done on the event loop.
"""

BEGINNINGS = 8
"""Beginnings of each prompt that are kept beside the whole: an agent's program may take its last messages away again,
and put others in their place.
"""


def prefixes(request: Request) -> tuple[int, ...]:
    """A hash for each message: equal hashes mean that everything up to there is equal. The tools count before it.

    Takes as long as reading the prompt once, 0.1 ms for 100 kB.
    """
    running = hash(tuple((tool.name, tool.description, tool.schema_json) for tool in request.tools))
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


def session_key(request: Request) -> str:
    """A session by its agent and its name: two agents never share one."""
    return f"{request.agent}\x1f{request.session}"


def lengths(prompt: Request | Call) -> tuple[int, ...]:
    """For each message the characters up to its end, tools included."""
    length, found = sum(map(_tool_length, prompt.tools)), []
    for message in prompt.messages:
        length += _length(message)
        found.append(length)
    return tuple(found)


def _tool_length(tool: Tool) -> int:
    return len(tool.name) + len(tool.description) + len(tool.schema_json)


def _length(message: Message) -> int:
    return len(message.text) + sum(len(call.name) + len(call.arguments) for call in message.tool_calls)


class PrefixMemory:
    """One engine's. `size` is how many prompts it keeps, `seconds` how long, `sessions` how many sessions' shares."""

    def __init__(self, monotonic: Callable[[], float], *, size: int, seconds: float, sessions: int = SESSIONS) -> None:
        self._monotonic = monotonic
        self._seconds = seconds
        self._read = LruDict[tuple[str, int], Prefix](size)
        self._begun = LruDict[tuple[str, int], Prefix](size * BEGINNINGS)
        self._share = FIRST_SHARE
        self._share_of = LruDict[str, float](sessions)

    def find(self, model: str, chain: Sequence[int]) -> Prefix | None:
        """The longest prefix of the prompt that `model` has read lately."""
        oldest = self._monotonic() - self._seconds
        for link in longest(chain):
            found = self._read.get((model, link)) or self._begun.get((model, link))
            if found is not None and found.at >= oldest:
                return found
        return None

    def counted(self, model: str, chain: Sequence[int]) -> Prefix | None:
        """The longest prefix of the prompt whose tokens the engine has counted for `model`, however long ago."""
        found = (self._read.get((model, link)) for link in longest(chain))
        return next((prefix for prefix in found if prefix is not None and prefix.counted), None)

    def expected_tokens(self, prefix: Prefix | None, session: str = "") -> int:
        """Input tokens that the engine is likely to bill as cached, by what its session's last answers showed; by the
        whole engine's for a session without any.
        """
        if prefix is None or prefix.tokens < LEAST_TOKENS:
            return 0
        return round(prefix.tokens * self.share(session))

    def share(self, session: str) -> float:
        """The share of an expected prefix that is billed as cached."""
        return self._share_of.get(session, self._share)

    def kept_s(self, prefix: Prefix | None) -> tuple[float, float]:
        """For how many seconds a prefix that was read stays, and for how many it would if it were read now."""
        age = 0.0 if prefix is None else self._monotonic() - prefix.at
        return max(0.0, self._seconds - age) if prefix is not None else 0.0, self._seconds

    def read(
        self,
        model: str,
        chain: Sequence[int],
        *,
        tokens: int,
        replica: int,
        counted: bool = False,
        lengths: Sequence[int] = (),
    ) -> None:
        """The engine has read a whole prompt, and, where it is `counted`, says itself how many tokens it has.

        `lengths` are the prompt's as `lengths` gives them; without them its beginnings are not kept.
        """
        if not chain:
            return
        now = self._monotonic()
        whole = Prefix(tokens, replica, now, len(chain), counted)
        self._read.put((model, chain[-1]), whole)
        for at in _beginnings(len(chain)) if len(lengths) == len(chain) and lengths[-1] else ():
            part = Prefix(tokens * lengths[at] // lengths[-1], replica, now, at + 1)
            if part.tokens >= LEAST_TOKENS:
                self._begun.put((model, chain[at]), part)

    def learn(self, prefix: Prefix | None, cached_input: int, session: str = "") -> None:
        """What was billed as cached where `prefix` was expected to be."""
        if prefix is None or prefix.tokens < LEAST_TOKENS:
            return
        share = min(1.0, cached_input / prefix.tokens)
        if session:
            before = self._share_of.get(session, self._share)
            self._share_of.put(session, before + SESSION_WEIGHT * (share - before))
        self._share += WEIGHT * (share - self._share)


def longest(chain: Sequence[int]) -> Iterator[int]:
    """The hashes of a prompt's longest beginnings, the longest first."""
    return islice(reversed(chain), SEARCHED)


def _beginnings(messages: int) -> Iterator[int]:
    """The places in a prompt of so many messages whose beginnings are kept: the first, and those before the last."""
    yield from range(min(1, messages - 1))
    yield from range(max(1, messages - BEGINNINGS), messages - 1)
