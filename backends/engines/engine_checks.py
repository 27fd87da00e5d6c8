"""Checks of the engines, for `claw doctor` and for alerts at the start: reachable, model there, local as required.

A check asks for lists and descriptions only: it costs nothing and sends no prompt.
"""

from backends.engines.address import origin, proves_local, relayed_by_name
from backends.engines.base import Inspection
from backends.engines.gemini import GeminiClient
from backends.engines.probe import split_remedy
from backends.engines.registry import local_client
from backends.engines.untrusted_text import one_line
from backends.errors import EngineError
from backends.settings.engines import EngineSettings, GeminiSettings
from backends.settings.model import Settings
from backends.types import Check


async def check(settings: Settings, *, gemini_key: str | None) -> tuple[Check, ...]:
    """Checks named "local engine", "local model", "local only" and "cloud engine". Never raises for what it finds."""
    local = settings.engines["local"]
    cloud = settings.engines["cloud"]
    found = await check_local(local)
    return (*found, await check_gemini(cloud, gemini_key)) if isinstance(cloud, GeminiSettings) else found


async def runs_here(settings: EngineSettings) -> bool | None:
    """Is it proved that a prompt to the local engine stays on this machine? Anything short of proof is False; None is
    an engine that does not answer, where its address alone would not rule it out.
    """
    if not proves_local(settings.addresses[0]) or relayed_by_name(settings.model):
        return False
    engine, _, place = await check_local(settings)
    return None if engine.ok is not True else place.ok is True


async def check_local(settings: EngineSettings) -> tuple[Check, Check, Check]:
    """Is it reachable, has it the model, and does the model run on this machine?"""
    client = local_client(settings)
    try:
        inspection = await client.inspect()
    except EngineError as error:
        unknown = Check(name="local model", ok=None, detail="not known while the engine does not answer")
        return _failed("local engine", error), unknown, _place(settings, relayed=None)
    finally:
        await client.close()
    up = Check(name="local engine", ok=True, detail=f"{inspection.server} at {origin(settings.addresses[0])}")
    return up, _model(settings, inspection), _place(settings, relayed=_relayed(settings, inspection))


async def check_gemini(settings: GeminiSettings, key: str | None) -> Check:
    """Is Gemini reachable, does it accept the key, and does it serve the model?"""
    client = GeminiClient(settings, key)
    try:
        await client.inspect()
    except EngineError as error:
        return _failed("cloud engine", error)
    finally:
        await client.close()
    where = origin(client.endpoint.base_url)
    return Check(name="cloud engine", ok=True, detail=f"Gemini at {where} serves {settings.model}")


def _model(settings: EngineSettings, inspection: Inspection) -> Check:
    if inspection.model is not None:
        return Check(name="local model", ok=True, detail=f"{settings.model} is there")
    others = one_line(", ".join(inspection.models)) or "none"
    remedy = "set engines.local.model to one it serves"
    if settings.kind == "ollama":
        remedy = f"run `ollama pull {settings.model}`"
    return Check(name="local model", ok=False, detail=f"{settings.model} is not there; it has: {others}", remedy=remedy)


def _relayed(settings: EngineSettings, inspection: Inspection) -> bool | None:
    """Does the server pass the model's prompts on? None where that is not known: an Ollama model that is not there yet
    may turn out to be a relayed one.
    """
    if settings.kind == "ollama" and relayed_by_name(settings.model):
        return True
    if inspection.model is not None:
        return inspection.model.relayed
    return None if settings.kind == "ollama" else False


def _place(settings: EngineSettings, *, relayed: bool | None) -> Check:
    """Where a prompt to the local engine ends up."""
    where = origin(settings.addresses[0])
    if not proves_local(settings.addresses[0]):
        return Check(
            name="local only",
            ok=False,
            detail=f"{where} is not proved to be this machine: sensitive requests are refused",
            remedy="set engines.local.base_url to 127.0.0.1",
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
    detail, remedy = split_remedy(error)
    return Check(name=name, ok=False, detail=detail, remedy=remedy)
