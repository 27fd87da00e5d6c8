"""`python -m backends.rehearsal`: the engines' twins, with a small real model behind the local one where there is one.

Writes where they listen to stdout, as one JSON line, and runs until stdin ends or SIGTERM comes.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import msgspec

from backends.rehearsal.parent_watchdog import when_parent_ends
from backends.rehearsal.process import Stage
from backends.rehearsal.small_model import NoSmallModel, SmallModel
from backends.rehearsal.twin_specs import BUILT_IN_TWINS, SMALL_MODEL, TwinSpec, start_twins
from backends.settings.engines import LOCAL_ENGINE


async def run(specs: Sequence[TwinSpec] = BUILT_IN_TWINS, *, small_model: bool) -> None:
    """Serve until stdin ends or a signal comes. The small model answers for the engine `local`, if an Ollama."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def let_go() -> None:
        loop.call_soon_threadsafe(ended.set)

    when_parent_ends(let_go)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        model, detail = await _small_model() if small_model else (None, "switched off")
        if model is not None:
            stack.push_async_callback(model.close)
        engines: dict[str, tuple[str, ...]] = {}
        labels: dict[str, str] = {}
        for spec in specs:
            answers = model if spec.engine == LOCAL_ENGINE and spec.kind == "ollama" else None
            twins = await start_twins(spec, answers)
            for twin in twins:
                stack.push_async_callback(twin.close)
            engines[spec.engine] = tuple(twin.url for twin in twins)
            labels[spec.engine] = spec.label if answers is None else SMALL_MODEL
        stage = Stage.of(engines, labels, small_model_detail=detail)
        sys.stdout.buffer.write(msgspec.json.encode(stage) + b"\n")
        sys.stdout.buffer.flush()
        await ended.wait()


async def _small_model() -> tuple[SmallModel | None, str]:
    try:
        model = await SmallModel.start()
    except NoSmallModel as error:
        return None, str(error)
    return model, f"{model.weights.name}, llama.cpp, pid {model.pid}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m backends.rehearsal", description="the engines' twins on loopback")
    parser.add_argument("--scripted", action="store_true", help="no small model, scripted text only")
    parser.add_argument(
        "--twins",
        type=lambda text: msgspec.json.decode(text, type=tuple[TwinSpec, ...]),
        default=BUILT_IN_TWINS,
        help='JSON: [{"engine": NAME, "kind": "ollama|openai|provider|gemini", "models": [NAME…], "ports": [0…]}…]',
    )
    given = parser.parse_args()
    asyncio.run(run(given.twins, small_model=not given.scripted))


if __name__ == "__main__":
    main()
