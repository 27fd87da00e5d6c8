"""How large the window of a model can be: as its own metadata says, as far as the machine's memory holds it.

Ollama keeps two vectors of every token, key and value, for each layer, and that once for each call that it runs at
once. Its memory is asked for when the model is loaded, so a window that is too large is not slow, but an error.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from backends.types import MachineMemory

USUAL = 32_768
"""What agents need, and what is taken where nobody knows how much memory there is."""

LEAST = 16_384
"""What is taken where the memory holds less: no agent's prompt would fit below it."""

SPARED = 0.08
"""The share of the memory that is left for others and for the buffers of a calculation."""

STEP = 1_024
"""Windows are whole multiples of it."""

CACHE_BYTES = {"f16": 2.0, "q8_0": 1.0625, "q4_0": 0.5625}
"""Bytes of a number in the cache, by OLLAMA_KV_CACHE_TYPE."""

HAVE_USUAL = ("qwen2.5", "qwen3", "llama3.1", "llama3.2", "llama3.3", "mistral", "gemma3", "gpt-oss", "deepseek-r1")
"""Models that are known to have the usual window or a larger one, before any server has said so."""


class ModelFacts(Struct, frozen=True, kw_only=True):
    """What a server says of a model: its own window and the one that its Modelfile sets, in tokens; bytes of its
    weights, and numbers that its cache keeps of a token. None is not said.
    """

    context: int | None = None
    num_ctx: int | None = None
    weights_b: int | None = None
    cache_numbers: int | None = None


class Window(Struct, frozen=True, kw_only=True):
    """`tokens` is the `num_ctx` of every call. `why` says in a few words what it follows from.

    `settled` is False while no server has described the model.
    """

    tokens: int
    why: str = ""
    settled: bool = True

    @property
    def line(self) -> str:
        """As "window 32,768 (auto: model 32,768, memory holds 41,000)"."""
        return f"window {self.tokens:,}{self.why and f' ({self.why})'}"


def provisional(model: str) -> Window:
    """The window to plan with until a server describes the model."""
    known = model.lower().rpartition("/")[2].startswith(HAVE_USUAL)
    return Window(tokens=USUAL if known else LEAST, why="auto: not known until Ollama answers", settled=False)


def largest(facts: ModelFacts, memory: MachineMemory | None, *, parallel: int, cache_type: str = "f16") -> Window:
    """The largest window that the model has and the memory holds `parallel` times.

    It is what the GPUs hold; where that is less than usual, up to the usual one of what they hold together with the
    main memory, for Ollama splits a model. Where the memory is not known, or too small for the weights alone, so that
    the model must run elsewhere, it is the usual window.
    """
    own, said = facts.context or USUAL, f"model {facts.context:,}" if facts.context else "model says nothing"
    if facts.num_ctx is not None:
        return Window(tokens=min(own, facts.num_ctx), why=f"auto: {said}, Modelfile {facts.num_ctx:,}")
    of_token = (facts.cache_numbers or 0) * CACHE_BYTES.get(cache_type, CACHE_BYTES["f16"]) * parallel
    if memory is None or not facts.weights_b or not of_token:
        return Window(tokens=min(own, USUAL), why=f"auto: {said}, memory not known")
    on_gpu, in_all = (
        int(((1 - SPARED) * space - facts.weights_b) / of_token)
        for space in (memory.gpu_b or 0, (memory.gpu_b or 0) + (memory.ram_b or 0))
    )
    if in_all <= 0:
        return Window(tokens=min(own, USUAL), why=f"auto: {said}, memory not known")
    held = on_gpu if on_gpu >= USUAL else in_all
    tokens = min(own, max(on_gpu // STEP * STEP, min(in_all // STEP * STEP, USUAL), LEAST))
    return Window(tokens=tokens, why=f"auto: {said}, memory holds {held:,}")


def read_facts(shown: Mapping[str, Any], weights_b: int | None) -> ModelFacts:
    """What `/api/show` says of a model. Fields that are missing or of another type are passed over."""
    info = shown.get("model_info")
    info = info if isinstance(info, dict) else {}
    kind = info.get("general.architecture")

    def number(name: str) -> int | None:
        return _whole(info.get(f"{kind}.{name}"))

    return ModelFacts(
        context=number("context_length"),
        num_ctx=_parameter(shown.get("parameters"), "num_ctx"),
        weights_b=weights_b,
        cache_numbers=_cache_numbers(info.get(f"{kind}.attention.head_count_kv"), number),
    )


def _cache_numbers(heads_of_cache: Any, number: Any) -> int | None:
    """Numbers that are kept of a token: key and value, for each head of each layer."""
    layers, heads, width = number("block_count"), number("attention.head_count"), number("embedding_length")
    head = width // heads if width and heads else None
    key, value = number("attention.key_length") or head, number("attention.value_length") or head
    if isinstance(heads_of_cache, list) and heads_of_cache and all(map(_whole, heads_of_cache)):
        total = sum(heads_of_cache)  # a number for each layer
    else:
        of_each = _whole(heads_of_cache) or heads
        total = layers * of_each if layers and of_each else 0
    return total * (key + value) if total and key and value else None


def _parameter(text: Any, name: str) -> int | None:
    """A whole number of a Modelfile's parameters, one a line: "num_ctx    8192"."""
    for line in text.splitlines() if isinstance(text, str) else ():
        key, _, value = line.strip().partition(" ")
        if key == name and value.strip().isdecimal():
            return int(value) or None
    return None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
