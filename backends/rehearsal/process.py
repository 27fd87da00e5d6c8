"""Where the twins live: in a process of their own for the product, in the test's own event loop for tests."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from backends.errors import NoEngine
from backends.settings import Settings, without_secrets

if TYPE_CHECKING:
    from backends.rehearsal.gemini_twin import GeminiTwin
    from backends.rehearsal.ollama_twin import OllamaTwin

SCRIPTED = "scripted text, no model"
START_S = 30.0
END_S = 5.0


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where the twins listen and what they are. `small_model_detail` says which model runs, or why none does."""

    local_url: str
    cloud_url: str
    local_label: str
    cloud_label: str = "simulated Gemini"
    small_model_detail: str = ""


@asynccontextmanager
async def rehearse(
    small_model: bool = True, *, local_model: str = "qwen2.5:14b", cloud_model: str = "gemini-2.5-flash"
) -> AsyncIterator[Stage]:
    """Both twins in a child process; it ends with this context, and with this process however that ends.

    The twins answer to the two model names. Raises NoEngine when the child does not start.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "backends.rehearsal",
        *("--local-model", local_model, "--cloud-model", cloud_model),
        *(() if small_model else ("--scripted",)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=without_secrets(),
        start_new_session=True,  # Ctrl-C is for the core, which drains first
    )
    try:
        yield await _stage(process)
    finally:
        await _end(process)


def settings_for(settings: Settings, stage: Stage) -> Settings:
    """The same settings with both engines pointed at the twins; any non-empty word serves as their key."""
    local = replace(settings.engines.local, kind="ollama", base_url=stage.local_url)
    cloud = replace(settings.engines.cloud, base_url=stage.cloud_url)
    return replace(settings, engines=replace(settings.engines, local=local, cloud=cloud))


@dataclass(frozen=True)
class Twins:
    ollama: "OllamaTwin"
    gemini: "GeminiTwin"


@asynccontextmanager
async def twins() -> AsyncIterator[Twins]:
    """Both twins in this event loop on ports of their own, quick and well, keeping the requests they see."""
    ollama, gemini = await asyncio.to_thread(_classes)
    pair = Twins(ollama(keep_bodies=True), gemini(keep_bodies=True))
    try:
        await pair.ollama.start()
        await pair.gemini.start()
        yield pair
    finally:
        await pair.ollama.close()
        await pair.gemini.close()


def _classes() -> "tuple[type[OllamaTwin], type[GeminiTwin]]":
    """Imported late, and away from the loop: aiohttp and the price list take half a second."""
    from backends.rehearsal.gemini_twin import GeminiTwin
    from backends.rehearsal.ollama_twin import OllamaTwin

    return OllamaTwin, GeminiTwin


async def _stage(process: asyncio.subprocess.Process) -> Stage:
    assert process.stdout is not None  # noqa: S101 — asked for as a pipe
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        return msgspec.json.decode(line, type=Stage)
    except (TimeoutError, msgspec.MsgspecError):
        raise NoEngine("the rehearsal's twins did not start: run `python -m backends.rehearsal` to see why") from None


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let go of the leash; what does not end by itself is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), END_S)
    except TimeoutError:
        process.kill()
        await process.wait()
