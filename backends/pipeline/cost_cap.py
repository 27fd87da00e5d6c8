"""An agent's ceiling on what one request may cost: the call is cut to fit it, as far as an answer stays useful."""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from backends.engines.base import Call


class Cut(Struct, frozen=True, kw_only=True):
    """What a ceiling leaves of a call."""

    max_output: int
    thinking_budget: int

    def of(self, call: Call) -> Call:
        thinking = None if call.thinking_budget is None else min(call.thinking_budget, self.thinking_budget)
        return replace(call, max_output=min(call.max_output, self.max_output), thinking_budget=thinking)


def cut(call: Call, ceiling: Decimal, *, worst: Callable[[Call], Decimal], useful: int) -> Cut | None:
    """The most that fits: output down to `useful` tokens, then thinking, too. None where the call fits as it is.

    Where not even the useful output without thinking fits, it is returned all the same: its price says by how much.
    """
    if worst(call) <= ceiling:
        return None
    least = min(useful, call.max_output)
    for thinking in dict.fromkeys((call.thinking_budget or 0, 0)):
        if worst(Cut(max_output=least, thinking_budget=thinking).of(call)) <= ceiling:
            return _largest(call, ceiling, worst, least, thinking)
    return Cut(max_output=least, thinking_budget=0)


def _largest(call: Call, ceiling: Decimal, worst: Callable[[Call], Decimal], least: int, thinking: int) -> Cut:
    """The largest output between `least`, which fits, and the call's own, which does not."""
    fits, too_much = least, call.max_output + 1
    while too_much - fits > 1:
        middle = (fits + too_much) // 2
        if worst(Cut(max_output=middle, thinking_budget=thinking).of(call)) <= ceiling:
            fits = middle
        else:
            too_much = middle
    return Cut(max_output=fits, thinking_budget=thinking)
