"""How able a model is: published figures under every spelling of a name, next of kin, and estimates from size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.catalogue import Catalogue
from backends.catalogue.abilities import ability_of
from backends.catalogue.gemini_models import ALIASES
from backends.catalogue.model_identity import LONGEST


@pytest.mark.parametrize(
    ("name", "score"),
    [
        ("qwen2.5:14b", 63.7),
        ("qwen2.5:3b", 43.7),
        ("llama3.1:8b", 48.3),
        ("llama3.2:3b", 39.2),
        ("gemma2:9b", 52.1),
        ("gemma3:12b", 60.6),
        ("mistral-small", 66.3),
        ("phi4", 70.4),
        ("qwen3:8b", 63.2),
        ("qwen3:30b-a3b", 69.1),
        ("gpt-oss:20b", 74.8),
        ("gpt-4o-mini", 63.1),
        ("claude-3-5-haiku-20241022", 65.0),
        ("deepseek-chat", 75.9),
        ("gemini-2.0-flash", 77.6),
        ("gemini-2.5-flash", 80.9),
        ("gemini-3.1-flash-lite", 83.0),
    ],
)
def test_a_published_figure_is_given_as_it_is(name: str, score: float) -> None:
    assert ability_of(name) == Catalogue().ability(name) == score


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("qwen2.5:14b-instruct-q4_K_M", "qwen2.5:14b"),
        ("Qwen/Qwen2.5-14B-Instruct", "qwen2.5:14b"),
        ("hf.co/bartowski/Qwen2.5-14B-Instruct-GGUF:IQ4_XS", "qwen2.5:14b"),
        ("registry.ollama.ai/library/qwen2.5:14b", "qwen2.5:14b"),
        ("qwen2.5:latest", "qwen2.5:7b"),
        ("llama3.2", "llama3.2:3b"),
        ("meta-llama/llama-3.1-8b-instruct:free", "llama3.1:8b"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama3.1:8b"),
        ("google/gemma-3-12b-it", "gemma3:12b"),
        ("gemma3:12b-it-qat", "gemma3:12b"),
        ("qwen3:30b", "qwen3:30b-a3b"),
        ("phi4:14b-fp16", "phi4"),
        ("gpt-oss:20b-cloud", "openai/gpt-oss-20b"),
        ("mistral-small3.2:24b", "mistralai/mistral-small-3.2-24b-instruct"),
        ("openai/gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4.5"),
        ("models/gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("google/gemini-3-flash-preview", "gemini-3-flash"),
        ("deepseek/deepseek-chat-v3.1", "deepseek-v3.1"),
        ("deepseek/deepseek-r1-distill-qwen-7b", "deepseek-r1:7b"),
    ],
)
def test_a_spelling_makes_no_other_model(spelling: str, name: str) -> None:
    assert ability_of(name) is not None
    assert ability_of(spelling) == ability_of(name)


@pytest.mark.parametrize(
    ("name", "kin"),
    [
        ("gemini-3.5-flash-lite", "gemini-3.1-flash-lite"),
        ("gemini-3.8-flash", "gemini-3-flash-preview"),
        ("gemini-4-argon", "gemini-3.1-pro-preview"),
        ("claude-opus-4-8", "claude-opus-4.6"),
        ("anthropic/claude-haiku-5.5", "claude-haiku-4-5"),
        ("gpt-5.4-mini", "gpt-5-mini"),
        ("gpt-6-sol", "gpt-5.4"),
        ("gpt-4.1-mini-audit", "gpt-4.1-mini"),
        ("qwen3.8:27b", "qwen3.6:27b"),
        ("deepseek/deepseek-v4.1-flash", "deepseek-v4-flash"),
        *((alias, model) for alias, model in ALIASES.items()),
    ],
)
def test_without_a_figure_the_next_of_kin_speaks(name: str, kin: str) -> None:
    assert ability_of(kin) is not None
    assert ability_of(name) == ability_of(kin)


def test_a_large_model_is_not_mistaken_for_a_small_one_of_its_name() -> None:
    large, small = ability_of("deepseek/deepseek-r1"), ability_of("deepseek-r1:14b")
    assert large is not None
    assert small is not None
    assert small < large - 10


@pytest.mark.parametrize(
    "name",
    [
        "gpt-3.5-turbo",  # only newer models of its line are known
        "claude-3-haiku",
        "nomic-embed-text",
        "qwen3-embedding:8b",
        "text-embedding-3-large",
        "gemini-3.8-flash-tts",
        "somemodel",
        "somemodel:0b",
        "twin",
        "auto",
    ],
)
def test_nothing_is_told_where_nothing_is_known(name: str) -> None:
    assert ability_of(name) is None


@given(st.sampled_from(["somemodel:", "vendor/other-", "qwen9-"]), st.floats(0.1, 900), st.floats(1.05, 8))
def test_an_unknown_model_is_the_abler_the_larger_it_is(family: str, size: float, times: float) -> None:
    small, large = (ability_of(f"{family}{billions:.2f}b-instruct") for billions in (size, size * times))
    assert small is not None
    assert large is not None
    assert 5 < small < large < 95


def test_sizes_are_read_in_millions_billions_trillions_and_experts() -> None:
    assert ability_of("somemodel:500m") == ability_of("somemodel:0.5b")
    assert ability_of("somemodel-1t") == ability_of("somemodel-1000b")
    assert ability_of("somemodel:8x7b") == ability_of("somemodel:56b")


def test_an_estimate_keeps_to_its_family() -> None:
    scores = [ability_of(f"qwen3:{size}") for size in ("4b", "8b", "14b", "32b")]
    assert all(score is not None for score in scores)
    assert scores == sorted(scores, key=lambda score: score or 0)
    weak, strong = ability_of("llama2:30b"), ability_of("gemma4:30b")
    assert weak is not None
    assert strong is not None
    assert weak < strong


@pytest.mark.parametrize(
    "name", ["", "/", ":", "-", "b", "7b" * 5_000, "qwen2.5:14b" + "x" * LONGEST, "模型:7b", "７b", "\x00", "a\n7b"]
)
def test_what_is_no_name_has_no_ability(name: str) -> None:
    assert ability_of(name) is None


@given(st.text(max_size=200) | st.from_regex(r"[a-z0-9.:/@_-]{0,128}", fullmatch=True))
def test_any_text_is_answered_with_a_percentage_or_nothing(name: str) -> None:
    score = ability_of(name)
    assert score is None or 0 < score < 100
