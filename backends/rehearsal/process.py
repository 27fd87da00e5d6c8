"""Where the twins live: in a process of their own for the product, in the test's own event loop for tests."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from backends.background import background
from backends.child_environment import child_environment
from backends.errors import NoEngine
from backends.settings.engines import EngineSettings, GeminiSettings, OllamaSettings
from backends.settings.model import Settings

if TYPE_CHECKING:
    from backends.rehearsal.gemini_twin import GeminiTwin
    from backends.rehearsal.ollama_twin import OllamaTwin

SCRIPTED = "scripted text, no model"
START_S = 30.0
END_S = 5.0
RESTARTS = 5  # in a row; then something is wrong that another start will not mend
PAUSE_S = 0.2  # before the first restart, twice as long before each further one
WELL_S = 60.0  # a child that ran so long begins a new row

ENDED = "the rehearsal's twins ended: they are started again, and calls fail meanwhile"
LOST = "the rehearsal's twins ended and do not start again: start claw anew; `python -m backends.rehearsal` shows why"

log = logging.getLogger(__name__)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where the twins listen and what they are. `small_model_detail` says which model runs, or why none does."""

    local_url: str
    cloud_url: str
    local_label: str
    cloud_label: str = "simulated Gemini"
    small_model_detail: str = ""


@asynccontextmanager
async def rehearse(
    small_model: bool = True,
    *,
    local_model: str = "qwen2.5:14b",
    cloud_model: str = "gemini-3.5-flash-lite",
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Stage]:
    """Both twins in a child process; it ends with this context, and with this process however that ends.

    The twins answer to the two model names. A child that dies is started again where it stood; `tell` hears ENDED,
    then "" once the twins are back, or LOST after RESTARTS in a row. Raises NoEngine when the first does not start.
    """
    arguments = ["--local-model", local_model, "--cloud-model", cloud_model]
    async with (
        _child(arguments if small_model else [*arguments, "--scripted"]) as (process, stage),
        background(_keep(process, stage.local_label, [*arguments, *_as_before(stage)], tell)),
    ):
        yield stage


def settings_for(settings: Settings, stage: Stage) -> Settings:
    """The same settings with the built-in engines pointed at the twins, and no others; any non-empty word serves as
    their key.
    """
    local, cloud = settings.engines["local"], settings.engines["cloud"]
    home = replace(local, base_url=stage.local_url) if isinstance(local, OllamaSettings) else _as_ollama(local, stage)
    away = GeminiSettings(base_url=stage.cloud_url, model=cloud.model)
    away = replace(cloud, base_url=stage.cloud_url) if isinstance(cloud, GeminiSettings) else away
    return replace(settings, engines={"local": home, "cloud": away})


def _as_ollama(local: EngineSettings, stage: Stage) -> OllamaSettings:
    """A local engine of another kind as the twin that stands for it."""
    return OllamaSettings(base_url=stage.local_url, model=local.model, parallel=local.parallel)


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


async def _keep(
    first: asyncio.subprocess.Process, label: str, arguments: Sequence[str], tell: Callable[[str], None]
) -> None:
    """Wait for the child's end and start it again, a few times in a row and more slowly each time."""
    await first.wait()
    row = 0
    while row < RESTARTS:
        tell(ENDED)
        log.warning(ENDED)
        await asyncio.sleep(PAUSE_S * 2**row)
        row += 1
        try:
            async with _child(arguments, label) as (process, _):
                tell("")
                began = monotonic()
                await process.wait()
        except (NoEngine, OSError) as error:
            log.warning("%s", error)
        else:
            row = 0 if monotonic() - began >= WELL_S else row
    tell(LOST)
    log.error(LOST)


def _as_before(stage: Stage) -> list[str]:
    """What makes a new child stand where the first stood, and answer as it did: the console shows its label."""
    local, cloud = (str(urlsplit(url).port) for url in (stage.local_url, stage.cloud_url))
    scripted = ["--scripted"] if stage.local_label == SCRIPTED else []
    return ["--local-port", local, "--cloud-port", cloud, *scripted]


@asynccontextmanager
async def _child(
    arguments: Sequence[str], label: str | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Stage]]:
    """One child, ended with the block. Raises NoEngine when it does not start, or not with the model of `label`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "backends.rehearsal",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=child_environment(),
        start_new_session=True,  # Ctrl-C is for the core, which drains first
    )
    try:
        yield process, await _stage(process, label)
    finally:
        await _end(process)


async def _stage(process: asyncio.subprocess.Process, label: str | None) -> Stage:
    assert process.stdout is not None  # noqa: S101 — asked for as a pipe
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        stage = msgspec.json.decode(line, type=Stage)
    except (TimeoutError, msgspec.MsgspecError):
        raise NoEngine("the rehearsal's twins did not start: run `python -m backends.rehearsal` to see why") from None
    if label not in (None, stage.local_label):
        raise NoEngine(f"the rehearsal's twins came back with another model: {stage.local_label}")
    return stage


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let go of the leash; what does not end by itself is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), END_S)
    except TimeoutError:
        process.kill()
        await process.wait()
