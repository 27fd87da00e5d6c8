"""Model names: what a request's model and its agent header mean together, and the list of names that may be used.

A model's name is `auto`, an engine, an agent, a name that the operator maps, the own model of an engine or an agent, or
one whose provider replaced it by such a model. The core checks agents' names again, because it knows those that were
configured since.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from backends.agent_names import is_name, meant, spelled
from backends.catalogue import model_of
from backends.engines.plain_text import as_json
from backends.gateway.http_errors import HttpError
from backends.gateway.http_exchange import HttpExchange
from backends.settings.model import Settings
from backends.types import EngineName, Route, Snapshot

AUTO: Route = "auto"
PATH = b"/v1/models"
LONGEST = 256  # letters of a model's name that are searched for an agent's

_BETWEEN_WORDS = re.compile(r"[^\w.-]+")
_REPLACED = 3  # models in a row, each the successor of the one before


class Target(Struct, frozen=True, kw_only=True):
    """Who asks and what may answer. `rules` are the further agents that the request names, `notes` say how the name was
    read. A model that several engines serve leaves `engine` to the router.
    """

    agent: str
    rules: tuple[str, ...] = ()
    engine: Route = AUTO
    model: str | None = None
    notes: tuple[str, ...] = ()


async def list_models(exchange: HttpExchange) -> None:
    """`GET /v1/models`"""
    snapshot = await exchange.core.snapshot()
    created = int(snapshot.started_at.timestamp())
    data = [_entry(name, owner, created) for name, owner in names(exchange.settings, snapshot).items()]
    await exchange.answer(as_json({"object": "list", "data": data}))


async def one_model(exchange: HttpExchange) -> None:
    """`GET /v1/models/NAME`. Raises HttpError (404) for an unknown name."""
    snapshot = await exchange.core.snapshot()
    found = names(exchange.settings, snapshot)
    asked = unquote(exchange.path[len(PATH) + 1 :].decode("latin-1"), errors="replace")
    name = spelled(asked, found)
    if name is None:
        raise unknown(asked)
    await exchange.answer(as_json(_entry(name, found[name], int(snapshot.started_at.timestamp()))))


def _entry(name: str, owner: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": owner}


async def target_of(name: str, exchange: HttpExchange) -> Target:
    """What a request for the model `name` is for. Raises HttpError (400, 404).

    Where the caller has shown a key, it is that key's agent, and another one in a header only adds its rules.
    """
    named = checked_agent(exchange.text(b"x-claw-agent"))
    agent = exchange.agent or named
    found = from_settings(name, agent, exchange.settings)
    if found is None:
        found = resolve(name, agent, exchange.settings, await exchange.core.snapshot())
    if named is None or named.casefold() in {each.casefold() for each in (found.agent, *found.rules)}:
        return found
    return replace(found, rules=(*found.rules, named))


def checked_agent(name: str | None) -> str | None:
    """The agent that a header names. Raises HttpError (400) for what cannot be a name."""
    if name is not None and not is_name(name):
        line = "X-Claw-Agent must be up to 64 letters, digits, dots, dashes, underscores"
        raise HttpError(400, "invalid_request", line)
    return name


def from_settings(name: str, agent: str | None, settings: Settings) -> Target | None:
    """The meaning of `auto`, an engine, an agent, or a name that is mapped to one: known without asking the core."""
    return _engine_or_agent(_mapped(name, settings), agent, settings.engines, settings.agents)


def resolve(name: str, agent: str | None, settings: Settings, snapshot: Snapshot) -> Target:
    """As `from_settings`, and a model of an engine or an agent. Raises HttpError (404), in OpenAI's words."""
    agents = dict.fromkeys((*settings.agents, *(each.name for each in snapshot.agents)))
    engines = dict.fromkeys((*settings.engines, *(each.name for each in snapshot.engines)))
    wanted = _mapped(name, settings)
    if found := _engine_or_agent(wanted, agent, engines, agents):
        return found
    served = models(settings, snapshot)
    if found := _model(wanted, agent, served):
        return found
    near = _guarded_in(name, agents, settings) or meant(name, agents)
    if settings.gateway.unknown_model == "auto" and not (near and settings.guards(near)):
        note = f"no model {_safe(name)} is known: taken as auto"
        return Target(agent=agent or "default", notes=(note if near is None else f"{note}; did you mean {near}?",))
    known = ", ".join((AUTO, *engines, *agents, *served))
    near = near or meant(name, (*engines, *served))
    hint = f"Did you mean {near}?" if near else f"Use one of {known}, or map it under gateway.models."
    raise unknown(name, hint)


def unknown(name: str, hint: str = "See `GET /v1/models`.") -> HttpError:
    line = f"The model `{_safe(name)}` does not exist or you do not have access to it. {hint}"
    return HttpError(404, "model_not_found", line, param="model")


def models(settings: Settings, snapshot: Snapshot) -> dict[str, tuple[EngineName, ...]]:
    """The own models of the engines, each with those that serve it, as the core runs them; then those of the agents
    that no engine has, with none.
    """
    own = [(engine.name, engine.model) for engine in snapshot.engines]
    own = own or [(name, engine.model) for name, engine in settings.engines.items()]
    found: dict[str, tuple[EngineName, ...]] = {}
    for engine, model in own:
        found[model] = (*found.get(model, ()), engine)
    of_agents = (*(each.model for each in settings.agents.values()), *(each.model for each in snapshot.agents))
    return found | {model: () for model in of_agents if model and model not in found}


def names(settings: Settings, snapshot: Snapshot) -> dict[str, str]:
    """Every name that a request may use, with its owner: the engines that serve it, or claw."""
    engines = (*settings.engines, *(each.name for each in snapshot.engines))
    agents = (*settings.agents, *(each.name for each in snapshot.agents))
    found = dict.fromkeys((AUTO, *engines, *agents, *settings.gateway.models), "claw")
    return found | {model: ", ".join(owners) or "claw" for model, owners in models(settings, snapshot).items()}


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


def _engine_or_agent(
    name: str, agent: str | None, engines: Iterable[EngineName], agents: Iterable[str]
) -> Target | None:
    if engine := spelled(name, (AUTO, *engines)):
        return Target(agent=agent or "default", engine=engine)
    known = spelled(name, agents)
    if known is None:
        return None
    if agent is None or agent.casefold() == known.casefold():
        return Target(agent=known)
    return Target(agent=agent, rules=(known,))


def _model(name: str, agent: str | None, served: Mapping[str, tuple[EngineName, ...]]) -> Target | None:
    """The model of this name, or the successor of one that its provider replaced."""
    wanted: str | None = name
    for step in range(_REPLACED + 1):
        if wanted is None:
            return None
        if model := spelled(wanted, served):
            notes = (f"{_safe(name)} was replaced by {model}",) if step else ()
            engine = served[model][0] if len(served[model]) == 1 else AUTO
            return Target(agent=agent or "default", engine=engine, model=model, notes=notes)
        wanted = model_of(wanted).successor
    return None


def _safe(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name[:64])
