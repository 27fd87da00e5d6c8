"""A twin's own counts of what it served, to compare with the ledger, with which it shares no code."""

from collections import Counter, deque
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Literal

import msgspec
from genai_prices import Usage, calc_price
from msgspec import Struct

KEPT_CALLS = 100_000

End = Literal["open", "finished", "aborted", "cut", "refused"]


class ServedCall(Struct, kw_only=True):
    """One call of a model. `input` includes `cached`, `output` excludes `thinking`.

    "aborted" is a call whose caller left, "cut" one the twin broke off, "refused" one that got an error status: it
    costs nothing. What was generated before an abort or a cut is billed. `stored_usd` is the price of keeping a prompt.
    """

    id: str
    at: datetime
    endpoint: str
    model: str
    input: int = 0
    output: int = 0
    thinking: int = 0
    cached: int = 0
    stored_usd: Decimal = Decimal(0)
    usd: Decimal = Decimal(0)
    end: End = "open"
    status: int = 200


class UsageCounts:
    """Counts since the start or the last `reset`. Calls beyond the newest `kept_calls` stay in the totals only."""

    def __init__(self, *, provider: str | None, kept_calls: int = KEPT_CALLS) -> None:
        self._provider = provider
        self._kept_calls = kept_calls
        self._numbers = count(1)
        self.reset()

    def reset(self) -> None:
        self.requests: Counter[str] = Counter()
        self.calls: deque[ServedCall] = deque(maxlen=self._kept_calls)
        self.ends: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.usd = Decimal(0)
        self.loads = 0
        self._open: dict[str, ServedCall] = {}
        self.most_open = 0

    @property
    def open(self) -> int:
        """Calls begun and not yet ended; waiting ones count."""
        return len(self._open)

    def begin(self, endpoint: str, model: str) -> ServedCall:
        call = ServedCall(id=f"call-{next(self._numbers)}", at=datetime.now(UTC), endpoint=endpoint, model=model)
        self._open[call.id] = call
        self.most_open = max(self.most_open, len(self._open))
        return call

    def end(self, call: ServedCall, how: End, *, status: int = 200) -> None:
        """Close a call's record and bill it. The first end holds: later ones are ignored."""
        if call.end != "open":
            return
        call.end, call.status = how, status
        if how == "refused":
            call.input = call.output = call.thinking = call.cached = 0
        call.usd = self._price(call) + call.stored_usd
        self._open.pop(call.id, None)
        self.calls.append(call)
        self.ends[how] += 1
        self.usd += call.usd
        for name in ("input", "output", "thinking", "cached"):
            self.tokens[name] += getattr(call, name)

    def counts(self, *, calls: int = 100) -> dict[str, Any]:
        """Everything as JSON-ready values; money is decimal text; the newest `calls` calls."""
        newest = list(self.calls)[-calls:] if calls else []
        return {
            "requests": dict(self.requests),
            "calls": dict(self.ends),
            "open": self.open,
            "most_open": self.most_open,
            "loads": self.loads,
            "tokens": dict(self.tokens),
            "usd": format(self.usd, "f"),
            "records": [_shown(call) for call in newest],
        }

    def _price(self, call: ServedCall) -> Decimal:
        """What the provider's list asks for the call; nothing where there is no provider or the model has no price."""
        if self._provider is None or call.end == "refused":
            return Decimal(0)
        usage = Usage(input_tokens=call.input, cache_read_tokens=call.cached, output_tokens=call.output + call.thinking)
        try:
            return calc_price(
                usage, model_ref=call.model, provider_id=self._provider, genai_request_timestamp=call.at
            ).total_price
        except LookupError:
            return Decimal(0)


def _shown(call: ServedCall) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(call)
    shown["usd"] = format(call.usd, "f")
    return shown
