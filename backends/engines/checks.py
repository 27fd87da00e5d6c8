"""Are the engines there, with the models that the settings name? For `claw doctor` and the health on screen.

A check asks for lists and descriptions only: it costs nothing and sends no prompt.
"""

import asyncio
from typing import Any
from urllib.parse import quote

from backends.engines.address import origin, proves_local, relayed_by_name
from backends.engines.asking import Asking
from backends.engines.foreign import one_line
from backends.engines.gemini import gemini_peer, usable_key
from backends.engines.gemini_refusal import refusal
from backends.engines.ollama import ollama_peer
from backends.engines.openai_compatible import openai_peer
from backends.errors import EngineError
from backends.settings.model import CloudEngine, LocalEngine, Settings
from backends.types import Check


async def check(settings: Settings, *, gemini_key: str | None) -> tuple[Check, ...]:
    """Named "local engine", "local model", "local only" and "cloud engine". Never raises for what they answer."""
    local = settings.engines.local
    found = await asyncio.gather(check_local(local), check_gemini(settings.engines.cloud, gemini_key))
    return (*found[0], found[1])


async def runs_here(settings: LocalEngine) -> bool | None:
    """Is it proved that a prompt to the local engine stays on this machine? Anything short of proof is False; None is
    an engine that does not answer, where its address alone would not rule it out.
    """
    if not proves_local(settings.base_url) or relayed_by_name(settings.model):
        return False
    engine, _, place = await check_local(settings)
    return None if engine.ok is not True else place.ok is True


async def check_local(settings: LocalEngine) -> tuple[Check, Check, Check]:
    """Is it reachable, has it the model, and does the model run on this machine?"""
    try:
        if settings.kind == "openai":
            return await _openai(settings)
        return await _ollama(settings)
    except EngineError as error:
        unknown = Check(name="local model", ok=None, detail="not known while the engine does not answer")
        return _failed("local engine", error), unknown, _place(settings, relayed=None)


async def check_gemini(settings: CloudEngine, key: str | None) -> Check:
    """Is Gemini reachable, does it take the key, and does it serve the model? Describing a model is free."""
    peer = gemini_peer(settings)
    try:
        key = usable_key(key)
        async with Asking(peer, {"x-goog-api-key": key}) as asking:
            status, body = await asking.ask(f"/v1beta/models/{quote(settings.model, safe='')}")
        if status != 200:
            raise refusal(status, body, model=settings.model, key=key)
    except EngineError as error:
        return _failed("cloud engine", error)
    return Check(name="cloud engine", ok=True, detail=f"Gemini at {origin(peer.base_url)} serves {settings.model}")


async def _ollama(settings: LocalEngine) -> tuple[Check, Check, Check]:
    async with Asking(ollama_peer(settings)) as asking:
        version = one_line((await asking.get("/api/version")).get("version", ""))
        models = {str(model.get("name")): model for model in _objects((await asking.get("/api/tags")).get("models"))}
    up = Check(name="local engine", ok=True, detail=f"Ollama {version} at {origin(settings.base_url)}")
    model = models.get(settings.model) or models.get(f"{settings.model}:latest")
    relayed = relayed_by_name(settings.model) or bool(model and (model.get("remote_host") or model.get("remote_model")))
    has = _has(settings.model, model is not None, list(models), remedy=f"run `ollama pull {settings.model}`")
    # a model that is not there may turn out to be a relayed one when it comes
    return up, has, _place(settings, relayed=True if relayed else None if model is None else False)


async def _openai(settings: LocalEngine) -> tuple[Check, Check, Check]:
    async with Asking(openai_peer(settings)) as asking:
        models = [str(model.get("id")) for model in _objects((await asking.get("/v1/models")).get("data"))]
    up = Check(name="local engine", ok=True, detail=f"OpenAI-compatible at {origin(settings.base_url)}")
    has = _has(settings.model, settings.model in models, models, remedy="set engines.local.model to one it serves")
    return up, has, _place(settings, relayed=False)


def _has(model: str, there: bool, models: list[str], *, remedy: str) -> Check:
    if there:
        return Check(name="local model", ok=True, detail=f"{model} is there")
    others = one_line(", ".join(models)) or "none"
    return Check(name="local model", ok=False, detail=f"{model} is not there; it has: {others}", remedy=remedy)


def _place(settings: LocalEngine, *, relayed: bool | None) -> Check:
    """Where a prompt to the local engine ends up."""
    where = origin(settings.base_url)
    if not proves_local(settings.base_url):
        return Check(
            name="local only",
            ok=False,
            detail=f"{where} is not this machine: sensitive requests are refused",
            remedy="run the local engine on 127.0.0.1",
        )
    if relayed:
        return Check(
            name="local only",
            ok=False,
            detail=f"Ollama passes {settings.model} on to another machine: sensitive requests are refused",
            remedy="set engines.local.model to one that runs here",
        )
    detail = f"{where} is this machine" if relayed is False else f"{where} is this machine, the model is not known yet"
    return Check(name="local only", ok=None if relayed is None else True, detail=detail)


def _failed(name: str, error: EngineError) -> Check:
    what, _, remedy = str(error).rpartition(": ")
    return Check(name=name, ok=False, detail=what or remedy, remedy=remedy if what else "")


def _objects(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
