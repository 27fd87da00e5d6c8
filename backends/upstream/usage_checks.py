"""Whether a provider's report of its usage can be true. One that cannot be is not used, and is flagged."""

from backends.engines.base import Call
from backends.types import Tokens
from backends.upstream.token_count import most_read

MOST = 2**53
"""The largest count that is accepted: above it JSON's numbers are not exact."""

TIMES = 2
"""A report of more than so many times what a call can use is not accepted. Up to the double has been seen."""

OWN_PROMPT = 32_768
"""Input tokens that a provider may add of its own: instructions, tools' declarations as it writes them."""

OVER_CAP = 1_024
"""Output tokens by which a small cap may be exceeded: a model ends its last step."""


def unusable(tokens: Tokens) -> str | None:
    """Why nothing can be booked from this report, in a phrase; None where it can be."""
    counts = (tokens.input, tokens.output, tokens.thinking, tokens.cached_input)
    if any(type(count) is not int for count in counts):
        return "a count that is no whole number"
    if min(counts) < 0:
        return "a count below zero"
    if max(counts) > MOST:
        return "a count beyond all reason"
    return None


class UsageBounds:
    """The most that a call can have used; counted only where a report comes near it, and once."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._readable: int | None = None

    def beyond(self, tokens: Tokens) -> str | None:
        """Why the call cannot have used so much, in a phrase; None where it can."""
        writable = TIMES * self._call.most_output + OVER_CAP
        if tokens.output + tokens.thinking > writable:
            return f"{tokens.output + tokens.thinking} answer tokens where {self._call.most_output} were allowed"
        if tokens.input > TIMES * self._call.input_tokens + OWN_PROMPT and tokens.input > self._most():
            return f"{tokens.input} input tokens where the prompt has {self._most()} at the very most"
        return None

    def _most(self) -> int:
        """A byte of text is a token at the most; media are held against their whole size."""
        if self._readable is None:
            media = sum(len(item.data) for message in self._call.messages for item in message.media)
            self._readable = TIMES * (most_read(self._call) + media) + OWN_PROMPT
        return self._readable


def contradiction(tokens: Tokens) -> str | None:
    """What contradicts itself in the counts, in a phrase; then nothing is deducted for the cache."""
    if tokens.cached_input > tokens.input:
        return f"{tokens.cached_input} cached of {tokens.input} input tokens"
    return None


def odd(tokens: Tokens, call: Call) -> str | None:
    """What is strange in a report that is booked all the same, in a phrase; None where nothing is."""
    cap = call.most_output
    if tokens.output + tokens.thinking > cap:
        return f"{tokens.output + tokens.thinking} answer tokens where {cap} were allowed"
    return None
