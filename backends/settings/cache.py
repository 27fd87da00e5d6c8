"""The table `[cache]` of claw.toml."""

from typing import Annotated

from msgspec import Meta, field

from backends.settings.section import NotNegative, Positive, Section, Share


class Cache(Section, frozen=True, kw_only=True):
    exact: Annotated[bool, Meta(description="answer identical requests from the cache")] = True
    semantic: Annotated[bool, Meta(description="answer paraphrases too, where the semantic extra is installed")] = True
    sampled: Annotated[
        bool,
        Meta(description="share answers also where a request asks for a temperature above 0 itself, without a seed"),
    ] = False
    embedder: Annotated[
        str,
        Meta(
            description="what finds paraphrases: auto, sentence-transformers, onnx, or ollama:MODEL at the local engine"
        ),
    ] = "auto"
    risk: Annotated[
        Share,
        Meta(description="wrong hits allowed, as a share of semantic hits; 0 turns them off, else the guards decide"),
    ] = 0.01
    recheck: Annotated[
        Share,
        Meta(description="share of semantic hits asked anew in the background, to measure how many were wrong"),
    ] = 0.02
    max_bytes: Annotated[
        Positive, Meta(description="size on disk; what was never asked again goes first, then the least recently used")
    ] = 268_435_456
    ttl_s: Annotated[
        dict[str, NotNegative],
        Meta(description="seconds an answer is kept, by intent, as { translation = 86400 }; 0 is never"),
    ] = field(default_factory=dict)
    pace_tps: Annotated[
        NotNegative, Meta(description="tokens a second at which a stored answer is streamed; 0 is at once")
    ] = 0.0
