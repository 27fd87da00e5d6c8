"""Whether a provider's word on what it used can be taken: a count that cannot be is no report, and never silent."""

from backends.engines.base import Call
from backends.types import Tokens

MOST = 2**53
"""Above it a count is no count: JSON's own numbers are not exact there."""


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


def contradiction(tokens: Tokens) -> str | None:
    """What cannot be true of counts that are plausible each, in a phrase; then nothing is taken off for the cache."""
    if tokens.cached_input > tokens.input:
        return f"{tokens.cached_input} cached of {tokens.input} input tokens"
    return None


def odd(tokens: Tokens, call: Call) -> str | None:
    """What does not fit in a report that is booked all the same, in a phrase; None where all does."""
    cap = call.max_output + (call.thinking_budget or 0)
    if tokens.output + tokens.thinking > cap:
        return f"{tokens.output + tokens.thinking} answer tokens where {cap} were allowed"
    return None
