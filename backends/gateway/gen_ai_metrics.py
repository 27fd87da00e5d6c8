"""The same figures under OpenTelemetry's GenAI names, in Prometheus' format: tokens of a call and its duration.

Semantic conventions for generative AI client metrics: `gen_ai.client.token.usage` and
`gen_ai.client.operation.duration`, with the buckets that they recommend.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from decimal import Decimal

from backends.types import EngineName, Outcome

TOKENS = tuple(4**power for power in range(14))
SECONDS = tuple(Decimal(2**power) / 100 for power in range(14))

SERIES = 256
PROVIDERS = {"gemini": "gcp.gemini", "openai": "openai", "ollama": "ollama"}
"""The value of gen_ai.provider.name for each kind of engine. OpenTelemetry lists the first two, and allows others."""

FAMILIES = {
    "gen_ai_client_token_usage": ("tokens of a call, by kind", TOKENS),
    "gen_ai_client_operation_duration_seconds": ("how long a request took", SECONDS),
}

Key = tuple[str, str]
"""A family's name, and its labels as they are written."""


class GenAi:
    """Histograms of answered and failed requests, without those that the cache answered: these called no model.

    `kinds` has each engine's kind.
    """

    def __init__(self, kinds: Mapping[EngineName, str]) -> None:
        self._kinds = kinds
        self._counts: dict[Key, list[int]] = {}
        self._sums: dict[Key, Decimal] = {}

    def settled(self, outcome: Outcome) -> None:
        provider = PROVIDERS.get(self._kinds.get(outcome.engine, ""))
        if provider is None:
            return
        labels = {
            "gen_ai_operation_name": "chat",
            "gen_ai_provider_name": provider,
            "gen_ai_request_model": outcome.model,
        }
        tokens = outcome.tokens
        for kind, count in (("input", tokens.input), ("output", tokens.output + tokens.thinking)):
            self._observe("gen_ai_client_token_usage", labels | {"gen_ai_token_type": kind}, Decimal(count))
        failed = {"error_type": outcome.error_kind or "error"} if outcome.finish == "error" else {}
        seconds = Decimal(str(outcome.latency_ms)) / 1000
        self._observe("gen_ai_client_operation_duration_seconds", labels | failed, seconds)

    def lines(self) -> Iterator[str]:
        for family, (what, bounds) in FAMILIES.items():
            series = [key for key in self._counts if key[0] == family]
            if series:
                yield f"# HELP {family} {what}"
                yield f"# TYPE {family} histogram"
            for key in series:
                yield from self._histogram(key, bounds)

    def _histogram(self, key: Key, bounds: tuple[int, ...] | tuple[Decimal, ...]) -> Iterator[str]:
        family, labels = key
        below = 0
        for bound, count in zip((*bounds, "+Inf"), self._counts[key], strict=True):
            below += count
            yield f'{family}_bucket{{{labels},le="{bound}"}} {below}'
        yield f"{family}_sum{{{labels}}} {self._sums[key]:f}"
        yield f"{family}_count{{{labels}}} {below}"

    def _observe(self, family: str, labels: dict[str, str], value: Decimal) -> None:
        key = family, ",".join(f'{name}="{escaped(text)}"' for name, text in labels.items())
        if key not in self._counts:
            if len(self._counts) >= SERIES:
                return
            self._counts[key] = [0] * (len(FAMILIES[family][1]) + 1)
            self._sums[key] = Decimal(0)
        self._counts[key][bisect_left(FAMILIES[family][1], value)] += 1
        self._sums[key] += value


def escaped(text: str) -> str:
    """Untrusted text as a label's value, which it can neither end nor break."""
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable.replace("\\", r"\\").replace('"', r"\"")
