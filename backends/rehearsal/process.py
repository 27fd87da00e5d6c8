"""Runs the twins: in a child process for the product, in the test's own event loop for tests."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from backends.background import background
from backends.child_environment import child_environment
from backends.errors import NoEngine
from backends.rehearsal.twin_specs import BUILT_IN_TWINS, SMALL_MODEL, TwinSpec
from backends.settings.engines import BUILT_IN
from backends.types import EngineName

if TYPE_CHECKING:
    from backends.rehearsal.gemini_twin import GeminiTwin
    from backends.rehearsal.ollama_twin import OllamaTwin

START_S = 30.0

ENDED = "the rehearsal's twins ended: they are started again, and calls fail meanwhile"
LOST = "the rehearsal's twins ended and do not start again: start claw anew; `python -m backends.rehearsal` shows why"

log = logging.getLogger(__name__)


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """How the child process is run.

    It is started again up to `restarts` times in a row, after `pause_s` the first time and twice as long each further
    time; after `steady_s` of life a new row begins. A child that does not end within `end_s` is killed.
    """

    python: str = sys.executable
    restarts: int = 5
    pause_s: float = 0.2
    steady_s: float = 60.0
    end_s: float = 5.0


CHILD = Child()


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where the twins of each engine listen, and what each engine is called on screen.

    `local_url` and `cloud_url` are those of the built-in engines. `small_model_detail` says which small model runs, or
    why none does.
    """

    engines: dict[EngineName, tuple[str, ...]]
    labels: dict[EngineName, str]
    local_url: str = ""
    cloud_url: str = ""
    small_model_detail: str = ""

    @classmethod
    def of(
        cls, engines: dict[EngineName, tuple[str, ...]], labels: dict[EngineName, str], *, small_model_detail: str = ""
    ) -> "Stage":
        local, cloud = (engines.get(name, ("",))[0] for name in BUILT_IN)
        return cls(
            engines=engines,
            labels=labels,
            local_url=local,
            cloud_url=cloud,
            small_model_detail=small_model_detail,
        )


@asynccontextmanager
async def rehearse(
    specs: Sequence[TwinSpec] = BUILT_IN_TWINS,
    *,
    small_model: bool = True,
    tell: Callable[[str], None] = lambda _: None,
    child: Child = CHILD,
) -> AsyncIterator[Stage]:
    """All twins in one child process; it ends with this context, and with this process however that ends.

    A child that dies is started again with the same ports. `tell` is called with ENDED, then with "" once the twins are
    back, or with LOST when they were started too often in a row. Raises NoEngine when the first one does not start.
    """
    async with (
        _running(child, _arguments(specs, scripted=not small_model)) as (process, stage),
        background(_keep_running(child, process, stage.labels, _arguments_again(specs, stage), tell)),
    ):
        yield stage


@dataclass(frozen=True)
class Twins:
    ollama: "OllamaTwin"
    gemini: "GeminiTwin"


@asynccontextmanager
async def twins() -> AsyncIterator[Twins]:
    """An Ollama and a Gemini twin in this event loop, fast and without faults; they keep the requests that they see."""
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


async def _keep_running(
    child: Child,
    first: asyncio.subprocess.Process,
    labels: dict[EngineName, str],
    arguments: Sequence[str],
    tell: Callable[[str], None],
) -> None:
    """Wait for the child's end and start it again, a few times in a row and more slowly each time."""
    await first.wait()
    row = 0
    while row < child.restarts:
        tell(ENDED)
        log.warning(ENDED)
        await asyncio.sleep(child.pause_s * 2**row)
        row += 1
        try:
            async with _running(child, arguments, labels) as (process, _):
                tell("")
                began = monotonic()
                await process.wait()
        except (NoEngine, OSError) as error:
            log.warning("%s", error)
        else:
            row = 0 if monotonic() - began >= child.steady_s else row
    tell(LOST)
    log.error(LOST)


def _arguments(specs: Sequence[TwinSpec], *, scripted: bool) -> list[str]:
    return ["--twins", msgspec.json.encode(specs).decode(), *(["--scripted"] if scripted else [])]


def _arguments_again(specs: Sequence[TwinSpec], stage: Stage) -> list[str]:
    """What makes a new child listen where the first did, and answer as it did: the console shows its labels."""
    same = [replace(spec, ports=tuple(urlsplit(url).port or 0 for url in stage.engines[spec.engine])) for spec in specs]
    return _arguments(same, scripted=SMALL_MODEL not in stage.labels.values())


@asynccontextmanager
async def _running(
    child: Child, arguments: Sequence[str], labels: dict[EngineName, str] | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Stage]]:
    """One child, ended with the block. Raises NoEngine when it does not start, or not with the `labels` of before."""
    process = await asyncio.create_subprocess_exec(
        child.python,
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
        yield process, await _stage(process, labels)
    finally:
        await _end(process, child.end_s)


async def _stage(process: asyncio.subprocess.Process, labels: dict[EngineName, str] | None) -> Stage:
    assert process.stdout is not None  # noqa: S101 — asked for as a pipe
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        stage = msgspec.json.decode(line, type=Stage)
    except (TimeoutError, msgspec.MsgspecError):
        raise NoEngine("the rehearsal's twins did not start: run `python -m backends.rehearsal` to see why") from None
    if labels not in (None, stage.labels):
        raise NoEngine(f"the rehearsal's twins came back with other models: {', '.join(stage.labels.values())}")
    return stage


async def _end(process: asyncio.subprocess.Process, end_s: float) -> None:
    """Close the child's stdin, which ends it; a child that does not end by itself is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), end_s)
    except TimeoutError:
        with suppress(ProcessLookupError):  # it ended meanwhile
            process.kill()
        await process.wait()
