"""Who asks, and whom: what a model's name and an agent's header mean together.

A model's name is a route, an agent, a name that the operator maps, an engine's own model, or one that its provider
replaced by such. Agents' names are looked at again in the core, which knows what was configured since.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from msgspec import Struct

from backends.agent_names import is_name, meant, spelled
from backends.catalogue import model_of
from backends.gateway.refusal import Turned
from backends.gateway.visit import Visit
from backends.settings.model import Settings
from backends.types import EngineState, Route, Snapshot

ROUTES: tuple[Route, ...] = ("auto", "local", "cloud")

_BETWEEN_WORDS = re.compile(r"[^\w.-]+")
LONGEST = 256  # letters of a model's name that are looked at for an agent's
_REPLACED = 3  # models in a row, each the successor of the one before


class Target(Struct, frozen=True, kw_only=True):
    """`rules` are the further agents that the request names, `notes` say how it was taken."""

    agent: str
    rules: tuple[str, ...] = ()
    engine: Route = "auto"
    model: str | None = None
    notes: tuple[str, ...] = ()


async def target(name: str, visit: Visit) -> Target:
    """What a request for the model `name` is for. Raises Turned (400, 404)."""
    agent = visit.text(b"x-claw-agent")
    if agent is not None and not is_name(agent):
        raise Turned(400, "invalid_request", "X-Claw-Agent must be up to 64 letters, digits, dots, dashes, underscores")
    if found := plain(name, agent, visit.settings):
        return found
    return resolve(name, agent, visit.settings, await visit.core.snapshot())


def plain(name: str, agent: str | None, settings: Settings) -> Target | None:
    """The meaning of a route, an agent, or a name that is mapped to one: no engine needs to be asked for it."""
    return _of_settings(_mapped(name, settings), agent, settings.agents)


def resolve(name: str, agent: str | None, settings: Settings, snapshot: Snapshot) -> Target:
    """As `plain`, and an engine's model. Raises Turned (404), in OpenAI's words."""
    agents = dict.fromkeys((*settings.agents, *(each.name for each in snapshot.agents)))
    wanted = _mapped(name, settings)
    if found := _of_settings(wanted, agent, agents):
        return found
    engines = models(settings, snapshot.engines)
    if found := _of_engines(wanted, agent, engines):
        return found
    near = _guarded_in(name, agents, settings) or meant(name, agents)
    if settings.gateway.unknown_model == "auto" and not (near and settings.guards(near)):
        note = f"no model {_safe(name)} is known: taken as auto"
        return Target(agent=agent or "default", notes=(note if near is None else f"{note}; did you mean {near}?",))
    known = ", ".join((*ROUTES, *agents, *(model for _, model in engines)))
    hint = f"Did you mean {near}?" if near else f"Use one of {known}, or map it under gateway.models."
    raise unknown(name, hint)


def unknown(name: str, hint: str = "See `GET /v1/models`.") -> Turned:
    line = f"The model `{_safe(name)}` does not exist or you do not have access to it. {hint}"
    return Turned(404, "model_not_found", line, param="model")


def models(settings: Settings, engines: Iterable[EngineState]) -> list[tuple[Route, str]]:
    """Each engine's own model: as the core runs it, else as the settings name it."""
    named: list[tuple[Route, str]] = [("local", settings.engines.local.model), ("cloud", settings.engines.cloud.model)]
    return [(engine.name, engine.model) for engine in engines] or named


def names(settings: Settings, snapshot: Snapshot) -> dict[str, str]:
    """Every name that a request may use, with whose it is."""
    agents = (*settings.agents, *(each.name for each in snapshot.agents))
    found = dict.fromkeys((*ROUTES, *agents, *settings.gateway.models), "claw")
    return found | {model: engine for engine, model in models(settings, snapshot.engines)}


def decoded(path_end: bytes) -> str:
    """A name as it stands in a path."""
    return unquote(path_end.decode("latin-1"), errors="replace")


def _mapped(name: str, settings: Settings) -> str:
    aliases = settings.gateway.models
    if not aliases or spelled(name, settings.agents):
        return name
    return aliases.get(name) or aliases.get(spelled(name, aliases) or "", name)


def _guarded_in(name: str, agents: Iterable[str], settings: Settings) -> str | None:
    """The agent kept at home that a model's name may mean: clients write "openai/scout" or "scout:latest"."""
    folded = name[:LONGEST].casefold()
    words = _BETWEEN_WORDS.split(folded)
    for agent in agents:
        if settings.guards(agent) and (
            re.search(rf"(?<![a-z0-9]){re.escape(agent.casefold())}(?![a-z0-9])", folded)
            or any(meant(word, (agent,)) for word in words)
        ):
            return agent
    return None


def _of_settings(name: str, agent: str | None, agents: Iterable[str]) -> Target | None:
    folded = name.casefold()
    for route in ROUTES:
        if folded == route:
            return Target(agent=agent or "default", engine=route)
    known = spelled(name, agents)
    if known is None:
        return None
    if agent is None or agent.casefold() == known.casefold():
        return Target(agent=known)
    return Target(agent=agent, rules=(known,))


def _of_engines(name: str, agent: str | None, engines: list[tuple[Route, str]]) -> Target | None:
    by_name = {model.casefold(): (engine, model) for engine, model in reversed(engines)}
    wanted: str | None = name
    for step in range(_REPLACED + 1):
        if wanted is None:
            return None
        if found := by_name.get(wanted.casefold()):
            note = (f"{_safe(name)} was replaced by {found[1]}",) if step else ()
            return Target(agent=agent or "default", engine=found[0], model=found[1], notes=note)
        wanted = model_of(wanted).successor
    return None


def _safe(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name[:64])
