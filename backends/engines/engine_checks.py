"""Checks of the engines, for `claw doctor` and for alerts at the start: reachable, model there, local as required.

A check asks for lists and descriptions only: it costs nothing and sends no prompt.
"""

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import Struct

from backends.engines import registry
from backends.engines.address import origin, relayed_by_name
from backends.engines.base import EngineClient, Inspection
from backends.engines.probe import split_remedy
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError
from backends.settings.engines import BUILT_IN, EngineSettings, Keys, is_loopback
from backends.settings.model import Settings
from backends.types import LOCAL, Check, EngineName, Zone

Clients = Mapping[EngineName, tuple[EngineClient, ...]]
"""The clients of each engine, one for each address."""

AGENTS_SEND = 16_000
"""Tokens that agents' programs send with the first request of a session: instructions, tools and memory files."""

AGENTS_NEED = 20_000
"""With room for some turns and an answer."""

DIGEST = 12  # characters of a digest that tell two builds apart in a message


async def check(settings: Settings, keys: Keys, *, memory: registry.Memory | None = None) -> tuple[Check, ...]:
    """The checks of every engine and of each of its replicas. Never raises for what it finds.

    The built-in engines' are named "local engine", "local model", "local only", "local window" and "cloud engine",
    another's "engine NAME", "model NAME", "locality NAME" and "window NAME"; those of a replica end with its number.
    """
    engines = registry.build(settings, keys=keys, memory=memory)
    try:
        return await check_engines(settings, engines)
    finally:
        await engines.close()


async def check_engines(settings: Settings, engines: Clients) -> tuple[Check, ...]:
    """As `check`, through clients that exist already."""
    found = await asyncio.gather(
        *(_examine(name, settings.engines[name], clients, settings.zone(name)) for name, clients in engines.items())
    )
    return tuple(
        check for addresses in found for address in addresses for check in (address.reachable, *address.details)
    )


class Problem(Struct, frozen=True):
    """A failed check of one address, by its place among the engine's addresses.

    `other_build` is True where the address has another build of the model than the engine's first one: its answers
    would differ from the others'.
    """

    engine: EngineName
    replica: int
    check: Check
    other_build: bool


async def problems_at_start(settings: Settings, engines: Clients) -> tuple[Problem, ...]:
    """The failed checks of models and locality in the local zone: what a first call would find out.

    Reachability is left to telemetry, and engines in the cloud to the first request: until then nothing is sent there.
    """
    local = [name for name in engines if settings.zone(name) == LOCAL]
    found = await asyncio.gather(*(_examine(name, settings.engines[name], engines[name], LOCAL) for name in local))
    return tuple(
        Problem(name, number, check, address.other_build)
        for name, addresses in zip(local, found, strict=True)
        for number, address in enumerate(addresses)
        for check in address.details
        if check.ok is False
    )


async def runs_here(settings: EngineSettings, clients: Sequence[EngineClient], model: str | None = None) -> bool | None:
    """May a sensitive prompt for `model`, by default the configured one, go to each of these addresses?

    True where all of them are this machine, or are listed by `zone = "local"`, and pass the prompt on to nobody.
    Anything short of proof is False. None is an address that does not answer, where the others would not rule it out.
    """
    model = model or settings.model
    if relayed_by_name(model) or not all(_is_listed(settings, client) for client in clients):
        return False
    answers = await asyncio.gather(*(_inspect(client, model) for client in clients))
    found = [answer.inspection for answer in answers if answer.inspection is not None]
    if any(inspection.relayed is not False for inspection in found):
        return False
    return True if len(found) == len(answers) else None


class _Answer(Struct, frozen=True):
    """What one address of an engine answered: an inspection, or an error."""

    client: EngineClient
    inspection: Inspection | None = None
    error: EngineError | None = None


class _Checked(Struct, frozen=True):
    """The checks of one address."""

    reachable: Check
    details: list[Check]
    other_build: bool


async def _examine(
    name: EngineName, settings: EngineSettings, clients: tuple[EngineClient, ...], zone: Zone | None
) -> list[_Checked]:
    answers = await asyncio.gather(*map(_inspect, clients))
    digest = next((each.inspection.model.digest for each in answers if each.inspection and each.inspection.model), "")
    found = []
    for number, answer in enumerate(answers):
        names, details = _Names(name, number), []
        model = None if answer.inspection is None else answer.inspection.model
        if zone == LOCAL or (answer.inspection is not None and answer.inspection.models):
            details.append(_model(names, settings, answer, digest))
        if zone == LOCAL:
            details.append(_locality(names, settings, answer))
            if answer.inspection is not None and answer.inspection.context is not None:
                details.append(_window(names, answer.inspection.window, answer.inspection.context))
        other_build = model is not None and model.digest != digest
        found.append(_Checked(_reachable(names, settings, answer), details, other_build))
    return found


async def _inspect(client: EngineClient, model: str | None = None) -> _Answer:
    try:
        return _Answer(client, inspection=await client.inspect(model))
    except EngineError as error:
        return _Answer(client, error=error)


class _Names:
    """What the checks of one address and its engine's settings are called."""

    def __init__(self, engine: EngineName, replica: int) -> None:
        self._engine = engine
        built_in, end = engine in BUILT_IN, f" replica {replica}" if replica else ""
        self.engine = (f"{engine} engine" if built_in else f"engine {engine}") + end
        self.model = (f"{engine} model" if built_in else f"model {engine}") + end
        self.locality = (f"{engine} only" if built_in else f"locality {engine}") + end
        self.window = (f"{engine} window" if built_in else f"window {engine}") + end

    def setting(self, key: str) -> str:
        return f"engines.{self._engine}.{key}"


def _reachable(names: _Names, settings: EngineSettings, answer: _Answer) -> Check:
    """Is it there, with a key that it accepts?"""
    if answer.error is not None:
        detail, remedy = split_remedy(answer.error)
        return Check(name=names.engine, ok=False, detail=detail, remedy=remedy)
    assert answer.inspection is not None  # noqa: S101 — one of the two is there
    detail = f"{answer.inspection.server} at {origin(answer.client.base_url)}"
    if not answer.inspection.models and answer.inspection.model is not None:
        detail += f" serves {settings.model}"
    return Check(name=names.engine, ok=True, detail=detail)


def _model(names: _Names, settings: EngineSettings, answer: _Answer, digest: str) -> Check:
    """Has it the model, in the same build as the engine's other addresses?"""
    inspection = answer.inspection
    if inspection is None:
        return Check(name=names.model, ok=None, detail="not known while the engine does not answer")
    if inspection.model is None:
        others = one_line(", ".join(inspection.models)) or "none"
        detail = f"{settings.model} is not there; it has: {others}"
        return Check(name=names.model, ok=False, detail=detail, remedy=inspection.missing_model)
    if inspection.model.digest != digest:
        where = origin(answer.client.base_url)
        return Check(
            name=names.model,
            ok=False,
            detail=f"{where} has another build of {settings.model} ({one_line(inspection.model.digest[:DIGEST])})"
            f" than the engine's other address ({one_line(digest[:DIGEST])})",
            remedy=inspection.missing_model,
        )
    return Check(name=names.model, ok=True, detail=f"{settings.model} is there")


def _window(names: _Names, window: str, tokens: int) -> Check:
    """How large is it, and do the prompts of agents fit?"""
    if tokens >= AGENTS_NEED:
        return Check(name=names.window, ok=True, detail=f"{window}: agents' prompts fit")
    return Check(
        name=names.window,
        ok=None,
        detail=f"{window}: too few tokens for agents, whose prompts begin with up to {AGENTS_SEND:,}",
        remedy=f"raise {names.setting('context')}, or take a smaller model, which leaves more memory for the window",
    )


def _locality(names: _Names, settings: EngineSettings, answer: _Answer) -> Check:
    """Where does a sensitive prompt to this address end up?"""
    where = origin(answer.client.base_url)
    relayed = True if relayed_by_name(settings.model) else answer.inspection and answer.inspection.relayed
    if not _is_listed(settings, answer.client):
        return Check(
            name=names.locality,
            ok=False,
            detail=f"{where} is not this machine: sensitive requests are refused",
            remedy=f"set {names.setting('base_url')} to 127.0.0.1, or {names.setting('zone')} to local if you trust it",
        )
    if relayed:
        return Check(
            name=names.locality,
            ok=False,
            detail=f"Ollama passes {settings.model} on to another machine: sensitive requests are refused",
            remedy=f"set {names.setting('model')} to one that runs here",
        )
    place = "is this machine" if is_loopback(answer.client.base_url) else "counts as local by its zone"
    if relayed is None:
        return Check(name=names.locality, ok=None, detail=f"{where} {place}, the model is not known yet")
    return Check(name=names.locality, ok=True, detail=f"{where} {place}")


def _is_listed(settings: EngineSettings, client: EngineClient) -> bool:
    """Is its address this machine, or one that the operator lists as local?"""
    return settings.zone == LOCAL or is_loopback(client.base_url)
