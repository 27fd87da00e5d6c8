"""`python -m backends.rehearsal`: both twins, with a small real model behind the local one where there is one.

Says where they listen on stdout, as one JSON line, and runs until stdin ends or SIGTERM comes.
"""

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack

import msgspec

from backends.rehearsal.behaviour import GEMINI, OLLAMA, Behaviour, TwinModel
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.rehearsal.parent_watchdog import when_parent_ends
from backends.rehearsal.process import SCRIPTED, Stage
from backends.rehearsal.small_model import LABEL, NoSmallModel, SmallModel

SMOLLM_KV_BYTES = 23_040  # 30 layers, 3 KV heads of 64, f16, keys and values


async def run(
    *, small_model: bool, local_model: str, cloud_model: str, local_port: int = 0, cloud_port: int = 0
) -> None:
    """Serve until told to end; port 0 takes a free one."""
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
        local = OllamaTwin(_local(model, local_model), answerer=model)
        cloud = GeminiTwin(_cloud(cloud_model))
        await local.start(local_port)
        stack.push_async_callback(local.close)
        await cloud.start(cloud_port)
        stack.push_async_callback(cloud.close)
        stage = Stage(
            local_url=local.url,
            cloud_url=cloud.url,
            local_label=SCRIPTED if model is None else LABEL,
            small_model_detail=detail,
        )
        sys.stdout.buffer.write(msgspec.json.encode(stage) + b"\n")
        sys.stdout.buffer.flush()
        await ended.wait()


async def _small_model() -> tuple[SmallModel | None, str]:
    try:
        model = await SmallModel.start()
    except NoSmallModel as error:
        return None, str(error)
    return model, f"{model.weights.name}, llama.cpp, pid {model.pid}"


def _local(model: SmallModel | None, name: str) -> Behaviour:
    """With the small model its true size, on the CPU; without, a speed that a 14b on a GPU has."""
    first, *others = OLLAMA.models
    if model is None:
        card = msgspec.structs.replace(first, name=name)
        return msgspec.structs.replace(OLLAMA, models=(card, *others), tokens_per_s=45.0, first_token_s=0.2, load_s=1.5)
    size = model.weights.stat().st_size
    card = msgspec.structs.replace(first, name=name, size_b=size, kv_bytes=SMOLLM_KV_BYTES)
    return msgspec.structs.replace(OLLAMA, models=(card, *others), vram_share=0.0)


def _cloud(name: str) -> Behaviour:
    others = tuple(model for model in GEMINI.models if model.name != name)
    models = (TwinModel(name=name, context=1_048_576), *others)
    return msgspec.structs.replace(GEMINI, models=models, tokens_per_s=180.0, first_token_s=0.35)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m backends.rehearsal", description="twins of both engines on loopback"
    )
    parser.add_argument("--scripted", action="store_true", help="no small model, scripted text only")
    parser.add_argument("--local-model", default="qwen2.5:14b")
    parser.add_argument("--cloud-model", default="gemini-3.5-flash-lite")
    for twin in ("local", "cloud"):
        parser.add_argument(f"--{twin}-port", type=int, default=0, help="0 takes a free one")
    given = parser.parse_args()
    asyncio.run(
        run(
            small_model=not given.scripted,
            local_model=given.local_model,
            cloud_model=given.cloud_model,
            local_port=given.local_port,
            cloud_port=given.cloud_port,
        )
    )


if __name__ == "__main__":
    main()
