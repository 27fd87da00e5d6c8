"""OpenTelemetry's names: every observation in exactly one bucket and all above it, and no label that ends its line."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from backends.gateway.gen_ai_metrics import GenAi
from backends.types import Tokens
from tests.backends.ledger.samples import attempt, outcome

CALL = outcome("a", attempt())
KINDS = {"local": "ollama", "cloud": "gemini", "gpu": "openai", "vllm": "openai"}


def figures(metrics: GenAi, name: str, **labels: str) -> dict[str, Decimal]:
    """The lines of a family whose labels hold `labels`, by the text of `le` or the suffix."""
    found = {}
    for line in metrics.lines():
        if line.startswith(name) and all(f'{label}="{value}"' in line for label, value in labels.items()):
            le = re.search(r'le="([^"]+)"', line)
            found[le[1] if le else line[len(name) : line.index("{")]] = Decimal(line.rsplit(" ", 1)[1])
    return found


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=20))
def test_buckets_add_up(counts: list[int]) -> None:
    metrics = GenAi(KINDS)
    for count in counts:
        metrics.settled(replace(CALL, tokens=Tokens(input=count)))
    found = figures(metrics, "gen_ai_client_token_usage", gen_ai_token_type="input")
    assert found["_sum"] == sum(counts)
    assert found["_count"] == found["+Inf"] == len(counts)
    for bound in (1, 1024, 67_108_864):
        assert found[str(bound)] == sum(count <= bound for count in counts)


def test_failures_have_their_kind_and_cached_answers_called_no_model() -> None:
    metrics = GenAi(KINDS)
    metrics.settled(outcome("hit"))
    assert list(metrics.lines()) == []
    metrics.settled(replace(CALL, finish="error", error_kind="busy", latency_ms=1500.0))
    found = figures(metrics, "gen_ai_client_operation_duration_seconds", error_type="busy")
    assert (found["1.28"], found["2.56"], found["_sum"]) == (0, 1, Decimal("1.5"))


@pytest.mark.parametrize(
    ("engine", "provider"), [("local", "ollama"), ("cloud", "gcp.gemini"), ("gpu", "openai"), ("vllm", "openai")]
)
def test_the_provider_is_that_of_the_engine_s_kind(engine: str, provider: str) -> None:
    metrics = GenAi(KINDS)
    metrics.settled(replace(CALL, engine=engine))
    assert figures(metrics, "gen_ai_client_token_usage", gen_ai_provider_name=provider)["_count"] == 1


def test_s15_a_models_name_cannot_end_its_line() -> None:
    metrics = GenAi(KINDS)
    metrics.settled(replace(CALL, model='a"} 1\nevil 2'))
    assert all(re.fullmatch(r"#.*|gen_ai_\w+\{.*\} [0-9.]+", line) for line in metrics.lines())


def test_series_are_bounded() -> None:
    metrics = GenAi(KINDS)
    for number in range(1000):
        metrics.settled(replace(CALL, model=f"model {number}"))
    assert sum("_count" in line for line in metrics.lines()) <= 256
