"""An agent's cap on what one request may cost: the call is cut to fit it, as far as an answer stays useful."""

from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from backends.engines.base import Call


def capped(call: Call, cap_usd: Decimal, *, worst: Callable[[Call], Decimal], useful: int) -> Call:
    """The most of the call that fits: its output is cut down to `useful` tokens, then its thinking, too.

    `worst` is what a call can cost at the most. Where not even the useful output without thinking fits, that call is
    returned all the same: its cost says by how much it is over the cap.
    """
    if worst(call) <= cap_usd:
        return call
    least = min(useful, call.max_output)
    for thinking in dict.fromkeys((call.thinking_budget or 0, 0)):
        if worst(_cut(call, least, thinking)) <= cap_usd:
            return _largest(call, cap_usd, worst, least, thinking)
    return _cut(call, least, 0)


def _cut(call: Call, output: int, thinking: int) -> Call:
    budget = None if call.thinking_budget is None else min(call.thinking_budget, thinking)
    return replace(call, max_output=min(call.max_output, output), thinking_budget=budget)


def _largest(call: Call, cap_usd: Decimal, worst: Callable[[Call], Decimal], least: int, thinking: int) -> Call:
    """With the largest output between `least`, which fits, and the call's own, which does not."""
    fits, too_much = least, call.max_output + 1
    while too_much - fits > 1:
        middle = (fits + too_much) // 2
        if worst(_cut(call, middle, thinking)) <= cap_usd:
            fits = middle
        else:
            too_much = middle
    return _cut(call, fits, thinking)
