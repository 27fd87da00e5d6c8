"""Which twins a rehearsal needs: one for each address of each engine that the settings name."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from backends.rehearsal.behaviour import GEMINI, OLLAMA, OPENAI, PROVIDER, Behaviour, TwinModel
from backends.settings.engines import BUILT_IN, Engine, GeminiSettings, OpenAISettings, serves
from backends.settings.model import Settings
from backends.types import CLOUD, EngineName

if TYPE_CHECKING:
    from backends.rehearsal.small_model import SmallModel
    from backends.rehearsal.twin import Twin

SCRIPTED, SMALL_MODEL = "scripted text, no model", "SmolLM2 135M, this machine"
"""What a local twin is called on screen, by what writes its answers."""

Kind = Literal["ollama", "openai", "provider", "gemini"]
"""A kind of engine; "provider" is an OpenAI-compatible one in the cloud."""


class TwinSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The twins of one engine, one on each of `ports`; 0 takes a free one. `models` has its own model first."""

    engine: EngineName
    kind: Kind
    models: tuple[str, ...]
    ports: tuple[int, ...] = (0,)

    @property
    def label(self) -> str:
        """What a scripted twin is called on screen."""
        return {"gemini": "simulated Gemini", "provider": "simulated provider"}.get(self.kind, SCRIPTED)


def twin_specs(settings: Settings) -> tuple[TwinSpec, ...]:
    """The twins for all engines; each also has the agents' own models that its kind serves."""
    own = tuple(dict.fromkeys(agent.model for agent in settings.agents.values() if agent.model))
    return tuple(
        TwinSpec(
            engine=name,
            kind=_kind(engine, settings.zone(name) == CLOUD),
            models=tuple(dict.fromkeys((engine.model, *(model for model in own if serves(engine, model))))),
            ports=(0,) * max(len(engine.addresses), 1),
        )
        for name, engine in settings.engines.items()
    )


def settings_for(settings: Settings, addresses: Mapping[EngineName, tuple[str, ...]]) -> Settings:
    """The same settings with every engine pointed at its twins; any non-empty word serves as their key."""
    engines = {name: _pointed_at(engine, addresses[name]) for name, engine in settings.engines.items()}
    return replace(settings, engines=engines)


async def start_twins(spec: TwinSpec, small_model: "SmallModel | None") -> "list[Twin]":
    """The twins of one engine, listening. The small model answers for the built-in local engine."""
    behaviour = _behaviour(spec, small_model)
    twins: list[Twin] = []
    for port in spec.ports:
        twin = await asyncio.to_thread(_twin, spec.kind, behaviour, small_model)
        await twin.start(port)
        twins.append(twin)
    return twins


def _kind(engine: Engine, cloud: bool) -> Kind:
    match engine:
        case GeminiSettings():
            return "gemini"
        case OpenAISettings():
            return "provider" if cloud else "openai"
    return "ollama"


def _pointed_at(engine: Engine, addresses: tuple[str, ...]) -> Engine:
    if isinstance(engine, GeminiSettings):
        return replace(engine, base_url=addresses[0], proxy=None)
    return replace(engine, base_url=addresses[0], replicas=addresses[1:])


def _twin(kind: Kind, behaviour: Behaviour, small_model: "SmallModel | None") -> "Twin":
    """Imported late, and away from the loop: aiohttp and the price list take half a second."""
    from backends.rehearsal.gemini_twin import GeminiTwin
    from backends.rehearsal.ollama_twin import OllamaTwin
    from backends.rehearsal.openai_twin import OpenAITwin
    from backends.rehearsal.provider_twin import ProviderTwin

    match kind:
        case "gemini":
            return GeminiTwin(behaviour)
        case "provider":
            return ProviderTwin(behaviour)
        case "openai":
            return OpenAITwin(behaviour)
    return OllamaTwin(behaviour, answerer=small_model)


def _behaviour(spec: TwinSpec, small_model: "SmallModel | None") -> Behaviour:
    """How a twin in a rehearsal behaves: as fast as what it stands for."""
    match spec.kind:
        case "gemini":
            known = GEMINI
            quick = replace(known, tokens_per_s=180.0, first_token_s=0.35)
        case "provider":
            known = PROVIDER
            quick = replace(known, tokens_per_s=110.0, first_token_s=0.6)
        case _:
            known = OLLAMA if spec.kind == "ollama" else OPENAI
            quick = replace(known, tokens_per_s=45.0, first_token_s=0.2, load_s=1.5)
    cards = [_card(spec.kind, name) for name in spec.models]
    if small_model is not None:
        # its true size, on the CPU, and its own speed
        size = small_model.weights.stat().st_size
        cards[0] = replace(cards[0], size_b=size, layers=30, heads=9, kv_heads=3, width=576)
        quick = replace(known, vram_share=0.0)
    others = [model for model in known.models if model.name not in spec.models]
    if spec.kind in ("ollama", "openai"):  # a local server answers with no other models; it may embed with them
        others = [model for model in others if "completion" not in model.capabilities]
    return replace(quick, models=(*cards, *others))


def _card(kind: Kind, name: str) -> TwinModel:
    return TwinModel(name=name, context=1_048_576 if kind == "gemini" else 131_072 if kind == "provider" else 32_768)


BUILT_IN_TWINS = (
    TwinSpec(engine=BUILT_IN[0], kind="ollama", models=("qwen2.5:14b",)),
    TwinSpec(engine=BUILT_IN[1], kind="gemini", models=("gemini-3.5-flash-lite",)),
)
"""The twins of the engines that are there with no setting."""
