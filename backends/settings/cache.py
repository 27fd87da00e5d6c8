"""The table `[cache]` of claw.toml."""

from typing import Annotated

from msgspec import Meta, field

from backends.settings.section import NotNegative, Positive, Section, Share, quoted
from backends.types import INTENTS


class Cache(Section, frozen=True, kw_only=True):
    exact: Annotated[bool, Meta(description="answer identical requests from the cache")] = True
    semantic: Annotated[bool, Meta(description="answer paraphrases too, if the semantic extra is installed")] = True
    sampled: Annotated[
        bool,
        Meta(description="also share answers to requests with a temperature above 0 and no seed"),
    ] = False
    embedder: Annotated[
        str,
        Meta(
            description="what finds paraphrases: auto, sentence-transformers, onnx, or ollama:MODEL on a local Ollama"
        ),
    ] = "auto"
    risk: Annotated[
        Share,
        Meta(description="share of semantic hits that may be wrong; 0 turns semantic hits off"),
    ] = 0.01
    recheck: Annotated[
        Share,
        Meta(
            description="share of semantic hits that are asked again in the background, to measure how many are wrong"
        ),
    ] = 0.02
    max_bytes: Annotated[
        Positive, Meta(description="limit for the size on disk; entries that were never asked again go first")
    ] = 268_435_456
    ttl_s: Annotated[
        dict[str, NotNegative],
        Meta(description="how many seconds answers are kept, by intent, as { translation = 86400 }; 0 stores none"),
    ] = field(default_factory=dict)
    pace_tps: Annotated[
        NotNegative, Meta(description="tokens a second at which a stored answer is streamed; 0 sends it at once")
    ] = 0.0

    def __post_init__(self) -> None:
        kind, _, model = self.embedder.partition(":")
        if kind not in ("auto", "sentence-transformers", "onnx", "ollama") or (kind == "ollama") != bool(model):
            raise ValueError("`embedder` must be auto, sentence-transformers, onnx or ollama:MODEL")
        if 0 < self.pace_tps < 1:
            raise ValueError("`pace_tps` must be 0, which sends an answer at once, or 1 or more")
        for intent in self.ttl_s:
            if intent not in INTENTS:
                raise ValueError(f"`ttl_s.{quoted(intent)}` is not an intent: use one of {', '.join(INTENTS)}")
