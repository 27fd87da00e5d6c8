"""Model names: what a request's model and its agent header mean together, and the list of names that may be used.

A model's name is a route, an agent, a name that the operator maps, an engine's own model, or one whose provider
replaced it by such a model. The core checks agents' names again, because it knows those that were configured since.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from backends.agent_names import is_name, meant, spelled
from backends.catalogue import model_of
from backends.engines.plain_text import as_json
from backends.gateway.http_errors import HttpError
from backends.gateway.http_exchange import HttpExchange
from backends.settings.model import Settings
from backends.types import EngineState, Route, Snapshot

ROUTES: tuple[Route, ...] = ("auto", "local", "cloud")

PATH = b"/v1/models"
LONGEST = 256  # letters of a model's name that are searched for an agent's

_BETWEEN_WORDS = re.compile(r"[^\w.-]+")
_REPLACED = 3  # models in a row, each the successor of the one before


class Target(Struct, frozen=True, kw_only=True):
    """Who asks and what may answer. `rules` are the further agents that the request names, `notes` say how the name was
    read.
    """

    agent: str
    rules: tuple[str, ...] = ()
    engine: Route = "auto"
    model: str | None = None
    notes: tuple[str, ...] = ()


async def list_models(exchange: HttpExchange) -> None:
    """`GET /v1/models`"""
    snapshot = await exchange.core.snapshot()
    created = int(snapshot.started_at.timestamp())
    data = [_model(name, owner, created) for name, owner in names(exchange.settings, snapshot).items()]
    await exchange.answer(as_json({"object": "list", "data": data}))


async def one_model(exchange: HttpExchange) -> None:
    """`GET /v1/models/NAME`. Raises HttpError (404) for an unknown name."""
    snapshot = await exchange.core.snapshot()
    found = names(exchange.settings, snapshot)
    asked = unquote(exchange.path[len(PATH) + 1 :].decode("latin-1"), errors="replace")
    name = spelled(asked, found)
    if name is None:
        raise unknown(asked)
    await exchange.answer(as_json(_model(name, found[name], int(snapshot.started_at.timestamp()))))


def _model(name: str, owner: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": owner}


async def target_of(name: str, exchange: HttpExchange) -> Target:
    """What a request for the model `name` is for. Raises HttpError (400, 404)."""
    agent = exchange.text(b"x-claw-agent")
    if agent is not None and not is_name(agent):
        raise HttpError(
            400, "invalid_request", "X-Claw-Agent must be up to 64 letters, digits, dots, dashes, underscores"
        )
    if found := from_settings(name, agent, exchange.settings):
        return found
    return resolve(name, agent, exchange.settings, await exchange.core.snapshot())


def from_settings(name: str, agent: str | None, settings: Settings) -> Target | None:
    """The meaning of a route, an agent, or a name that is mapped to one: the settings know it without the engines."""
    return _of_settings(_mapped(name, settings), agent, settings.agents)


def resolve(name: str, agent: str | None, settings: Settings, snapshot: Snapshot) -> Target:
    """As `from_settings`, and an engine's model. Raises HttpError (404), in OpenAI's words."""
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


def unknown(name: str, hint: str = "See `GET /v1/models`.") -> HttpError:
    line = f"The model `{_safe(name)}` does not exist or you do not have access to it. {hint}"
    return HttpError(404, "model_not_found", line, param="model")


def models(settings: Settings, engines: Iterable[EngineState]) -> list[tuple[Route, str]]:
    """Each engine's own model: as the core runs it, else as the settings name it."""
    named: list[tuple[Route, str]] = [
        ("local", settings.engines["local"].model),
        ("cloud", settings.engines["cloud"].model),
    ]
    return [(engine.name, engine.model) for engine in engines] or named


def names(settings: Settings, snapshot: Snapshot) -> dict[str, str]:
    """Every name that a request may use, with its owner: an engine, or claw."""
    agents = (*settings.agents, *(each.name for each in snapshot.agents))
    found = dict.fromkeys((*ROUTES, *agents, *settings.gateway.models), "claw")
    return found | {model: engine for engine, model in models(settings, snapshot.engines)}


def _mapped(name: str, settings: Settings) -> str:
    aliases = settings.gateway.models
    if not aliases or spelled(name, settings.agents):
        return name
    return aliases.get(name) or aliases.get(spelled(name, aliases) or "", name)


def _guarded_in(name: str, agents: Iterable[str], settings: Settings) -> str | None:
    """The agent kept local that a model's name may mean: clients write "openai/scout" or "scout:latest"."""
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
