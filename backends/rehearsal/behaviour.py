"""How a twin behaves, which can be set while it runs: speed, limits, models, reported counts, and faults."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from backends.rehearsal.faults import Fault

Count = Annotated[int, Meta(ge=0)]
Calling = Literal["calls", "tags", "bare", "fence", "xml", "broken", "never"]
"""How a local model calls a tool: parsed by its server, as text in one of the forms that models write, as text that
cannot be parsed, or not at all, whatever format it is held to.
"""

Deltas = Literal[
    "plain",  # as OpenAI writes them
    "same-index",  # each call has the index 0, and an id of its own
    "no-index",  # no delta has an index
    "no-id",  # only their names distinguish calls
    "nulls",  # null wherever there is nothing to say
    "late-calls",  # the calls come after the reason for the end
    "whole",  # one JSON object, in spite of `stream`
    "parts",  # content is a list of parts
    "legacy",  # `function_call`
    "reasoning",  # thinking comes first, in a field of its own
    "refusal",  # the answer stands in `refusal`
]
"""How an OpenAI-compatible server writes its stream."""


class TwinModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model the twin has. `context` and `max_output` are tokens, `size_b` is bytes.

    `layers`, `heads`, `kv_heads` and `width` (of an embedding) are its architecture, by default Qwen 2.5 14b's.
    `remote_host` marks one that Ollama would relay to another machine; `retired` one that Gemini no longer serves,
    `answered_by` the model that it answers and bills with instead.
    """

    name: str
    size_b: int = 8_988_124_069
    layers: int = 48
    heads: int = 40
    kv_heads: int = 8
    width: int = 5_120
    context: int = 32_768
    max_output: int = 65_536
    capabilities: tuple[str, ...] = ("completion", "tools")
    remote_host: str | None = None
    retired: bool = False
    answered_by: str | None = None

    @property
    def kv_bytes(self) -> int:
        """What a token of the window takes beside the weights: key and value, of two bytes a number."""
        return 2 * 2 * self.layers * self.kv_heads * (self.width // self.heads)


class Counted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Token counts to report and bill instead of the counted ones; None leaves the counted one."""

    input: Count | None = None
    output: Count | None = None
    thinking: Count | None = None
    cached: Count | None = None


class Behaviour(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one twin behaves.

    `tokens_per_s` None is as fast as the wire. Calls beyond `parallel` wait inside, unseen; beyond `queue_limit`
    waiting ones they get 503. `load_s` passes before the first byte when a model is not resident. `vram_share` of a
    model is shown on the GPU. `thinking` fixes the thinking tokens of a call. `chunk_tokens` is the size of one chunk.
    `prefill_tokens_per_s` is how fast the Ollama twin reads what its cache does not hold, one prompt after the other;
    with `tells_cached` False it does not say how much its cache held.
    `calling` is of local models, `deltas` of the OpenAI-compatible twin alone. `cuts_prompts` is an older Ollama, which
    cuts a prompt that is too long although it is told not to.
    """

    tokens_per_s: Annotated[float, Meta(gt=0)] | None = None
    first_token_s: Annotated[float, Meta(ge=0)] = 0.0
    prefill_tokens_per_s: Annotated[float, Meta(gt=0)] | None = None
    tells_cached: bool = False
    load_s: Annotated[float, Meta(ge=0)] = 0.0
    parallel: Annotated[int, Meta(ge=1)] = 2
    queue_limit: Count | None = 512
    chunk_tokens: Annotated[int, Meta(ge=1)] = 1
    vram_share: Annotated[float, Meta(ge=0, le=1)] = 1.0
    thinking: Count | None = None
    models: tuple[TwinModel, ...] = ()
    counted: Counted = Counted()
    calling: Calling = "calls"
    cuts_prompts: bool = False
    deltas: Deltas = "plain"
    faults: tuple[Fault, ...] = ()

    def model(self, name: str) -> TwinModel | None:
        return next((model for model in self.models if model.name == name), None)


OLLAMA = Behaviour(
    models=(
        TwinModel(name="qwen2.5:14b"),
        TwinModel(
            name="nomic-embed-text:latest",
            size_b=274_302_450,
            context=2_048,
            layers=12,
            heads=12,
            kv_heads=12,
            width=768,
            capabilities=("embedding",),
        ),
    )
)
OPENAI = Behaviour(models=(TwinModel(name="qwen2.5:14b"),))
PROVIDER = Behaviour(
    parallel=1_000,
    queue_limit=None,
    chunk_tokens=16,
    models=(
        TwinModel(name="openai/gpt-4o-mini", context=128_000),
        TwinModel(name="openai/gpt-5-mini", context=400_000),
        TwinModel(name="meta-llama/llama-3.3-70b-instruct", context=131_072),
    ),
)
GEMINI = Behaviour(
    parallel=1_000,
    queue_limit=None,
    chunk_tokens=16,
    models=(
        TwinModel(name="gemini-3.5-flash-lite", context=1_048_576),
        TwinModel(name="gemini-2.5-flash", context=1_048_576, answered_by="gemini-3.5-flash-lite"),
        TwinModel(name="gemini-2.5-flash-lite", context=1_048_576),
        TwinModel(name="gemini-2.5-pro", context=1_048_576),
        TwinModel(name="gemini-3-flash-preview", context=1_048_576),
        TwinModel(name="gemini-3.1-pro-preview", context=1_048_576),
        TwinModel(name="gemini-3.5-flash", context=1_048_576),
    ),
)
"""How each twin behaves by default: fast, with many slots and without faults."""
