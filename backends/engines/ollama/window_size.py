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

    `known` is False while no server has described the model.
    """

    tokens: int
    why: str = ""
    known: bool = True

    @property
    def line(self) -> str:
        """As "window 32,768 (auto: model 32,768, memory holds 41,000)"."""
        return f"window {self.tokens:,}{self.why and f' ({self.why})'}"


def provisional(model: str) -> Window:
    """The window to plan with until a server describes the model."""
    known = model.lower().rpartition("/")[2].startswith(HAVE_USUAL)
    return Window(tokens=USUAL if known else LEAST, why="auto: not known until Ollama answers", known=False)


def largest(
    facts: ModelFacts,
    memory: MachineMemory | None,
    *,
    parallel: int,
    places: int | None = None,
    cache_type: str = "f16",
) -> Window:
    """The largest window that the model has and the memory holds for `parallel` calls at once.

    It is what the GPUs hold; where that is less than usual, up to the usual one of what they hold together with the
    main memory, for Ollama splits a model. `places` is how many calls Ollama is known to run at once. Where nobody has
    said, it is one: then the memory for one is enough for the usual window, and further calls wait. Where the memory is
    not known, or too small for the weights alone, so that the model must run elsewhere, it is the usual window.
    """
    own, said = facts.context or USUAL, f"model {facts.context:,}" if facts.context else "model says nothing"
    if facts.num_ctx is not None:
        return Window(tokens=min(own, facts.num_ctx), why=f"auto: {said}, Modelfile {facts.num_ctx:,}")
    of_token = (facts.cache_numbers or 0) * CACHE_BYTES.get(cache_type, CACHE_BYTES["f16"])
    on_gpus, in_all = memory_of(memory)
    if not facts.weights_b or not of_token or in_all <= facts.weights_b:
        return Window(tokens=min(own, USUAL), why=f"auto: {said}, memory not known")

    def held(space: float, calls: int) -> int:
        return max(0, int((space - (facts.weights_b or 0)) / (of_token * calls)))

    choices = (
        (held(on_gpus, places or parallel), own),
        (held(in_all, places or parallel), USUAL),
        (held(in_all, places or 1), USUAL),
    )
    tokens, most = next((choice for choice in choices if choice[0] >= min(own, USUAL)), choices[-1])
    size = min(own, most, max(tokens // STEP * STEP, LEAST))
    return Window(tokens=size, why=f"auto: {said}, memory holds {tokens:,}")


def memory_of(memory: MachineMemory | None) -> tuple[float, float]:
    """Bytes for a model on the GPUs, and on them and in main memory together; 0 where that is not known."""
    if memory is None:
        return 0.0, 0.0
    on_gpus = (1 - SPARED) * (memory.gpu_b or 0)
    return on_gpus, on_gpus + (1 - SPARED) * (memory.ram_b or 0)


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
