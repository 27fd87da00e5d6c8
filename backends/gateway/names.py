"""What a model name means: a route, an agent, or an engine's own model."""

import re
from collections.abc import Iterable

from msgspec import Struct

from backends.gateway.refusal import Turned
from backends.settings import Settings
from backends.types import EngineState, Route

ROUTES: tuple[Route, ...] = ("auto", "local", "cloud")

_AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Target(Struct, frozen=True, kw_only=True):
    agent: str
    engine: Route
    model: str | None = None


def resolve(name: str, agent: str | None, settings: Settings, engines: Iterable[EngineState]) -> Target:
    """`name` as a caller gave it, `agent` from its header. Raises Turned, naming what would be valid."""
    if agent is not None and not _AGENT.fullmatch(agent):
        raise Turned(400, "invalid_request", "X-Claw-Agent must be up to 64 letters, digits, dots, dashes, underscores")
    caller = agent or "default"
    for route in ROUTES:
        if name == route:
            return Target(agent=caller, engine=route)
    if name in settings.agents:
        return Target(agent=agent or name, engine="auto")
    for engine, model in models(settings, engines):
        if name == model:
            return Target(agent=caller, engine=engine, model=model)
    valid = ", ".join((*ROUTES, *settings.agents, *(model for _, model in models(settings, engines))))
    raise Turned(400, "model_not_found", f"no such model: use one of {valid}", param="model")


def is_plain(name: str, settings: Settings) -> bool:
    """Whether `name` is a route or an agent, which needs no look at the engines."""
    return name in ROUTES or name in settings.agents


def models(settings: Settings, engines: Iterable[EngineState]) -> list[tuple[Route, str]]:
    """Each engine's own models, as the core runs them and as the settings name them."""
    found: dict[tuple[Route, str], None] = {(engine.name, engine.model): None for engine in engines}
    if not found:
        found = {("local", settings.engines.local.model): None, ("cloud", settings.engines.cloud.model): None}
    return list(found)
