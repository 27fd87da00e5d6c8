"""Five engines on six twins behind a gateway: two Ollama replicas, two more local engines, Gemini, another cloud."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.core.local import LocalCore
from backends.gateway.server import bind, serve
from backends.paths import Paths
from backends.rehearsal.behaviour import GEMINI, OLLAMA, OPENAI, Behaviour, TwinModel
from backends.rehearsal.faults import Fault
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.rehearsal.openai_twin import OpenAITwin
from backends.rehearsal.twin import Twin
from backends.rehearsal.usage_counts import ServedCall
from backends.settings.loading import load

KEYS = {"cloud": "key-of-gemini", "backup": "key-of-backup"}

SETTINGS = """
[engines.local]
base_url = "{local}"

[engines.cloud]
base_url = "{cloud}"

[engines.gpu]
kind = "ollama"
zone = "local"
model = "qwen2.5:32b"
base_url = "{gpu}"
replicas = ["{gpu2}"]

[engines.small]
kind = "ollama"
model = "qwen2.5:3b"
base_url = "{small}"

[engines.backup]
kind = "openai"
zone = "cloud"
model = "openai/gpt-oss-120b"
base_url = "{backup}/v1"
key_env = "BACKUP_KEY"

[prices."openai/gpt-oss-120b"]
input_usd = "0.10"
output_usd = "0.50"

[cache]
semantic = false

[telemetry]
gpu = false

{agents}
"""


@dataclass
class FiveEngines:
    """The gateway's client, the core behind it, and the twins: one for each engine but gpu, which has two."""

    client: httpx.AsyncClient
    core: LocalCore
    twins: dict[str, tuple[Twin, ...]]
    ledger: Path

    async def ask(
        self, text: str, *, agent: str = "default", model: str = "auto", stream: bool = False, sensitive: bool = False
    ) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}
        headers = {"x-claw-agent": agent} | ({"x-claw-sensitive": "true"} if sensitive else {})
        return await self.client.post("/v1/chat/completions", json=body, headers=headers)

    async def strike(self, engine: str, fault: Fault | None) -> None:
        """Give every twin of the engine this fault; None takes them down, so that connections are refused."""
        for twin in self.twins[engine]:
            if fault is None:
                await twin.close()
            else:
                twin.inject(fault)

    def attempts(self) -> list[dict[str, Any]]:
        """Every upstream call of every row, oldest row first."""
        return [attempt for row in self.rows() for attempt in json.loads(row["attempts"])]

    def rows(self) -> list[dict[str, Any]]:
        """Rows of requests_v1, oldest first."""
        with sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True) as db:
            db.row_factory = sqlite3.Row
            found = db.execute("SELECT * FROM requests_v1 ORDER BY started_at, id").fetchall()
        db.close()
        return [dict(row) for row in found]

    def calls(self, engine: str) -> list[ServedCall]:
        """The calls that an engine's twins finished, by their own account."""
        return [call for twin in self.twins[engine] for call in twin.usage.calls if call.end == "finished"]

    def received(self, engine: str) -> bytes:
        """Everything that an engine's twins were sent: paths, headers and bodies."""
        seen = [seen for twin in self.twins[engine] for seen in twin.seen]
        return b"\n".join(
            part for each in seen for part in (each.path.encode(), repr(each.headers).encode(), each.body)
        )


@asynccontextmanager
async def five_engines(home: Path, agents: str = "") -> AsyncIterator[FiveEngines]:
    """Open them on `home`; `agents` are further tables of claw.toml."""
    made = {
        "local": OllamaTwin(OLLAMA, keep_bodies=True),
        "gpu": OllamaTwin(_serving(OLLAMA, "qwen2.5:32b"), keep_bodies=True),
        "gpu2": OllamaTwin(_serving(OLLAMA, "qwen2.5:32b"), keep_bodies=True),
        "small": OllamaTwin(_serving(OLLAMA, "qwen2.5:3b"), keep_bodies=True),
        "cloud": GeminiTwin(GEMINI, keep_bodies=True),
        "backup": OpenAITwin(_serving(OPENAI, "openai/gpt-oss-120b"), keep_bodies=True),
    }
    async with AsyncExitStack() as stack:
        for twin in made.values():
            stack.push_async_callback(twin.close)
            await twin.start()
        addresses = {name: twin.url for name, twin in made.items()}
        paths = Paths.find(environ={"CLAW_HOME": str(home)})
        await asyncio.to_thread(_write, paths.config, SETTINGS.format(**addresses, agents=agents))
        settings = (await asyncio.to_thread(load, paths.config, {})).settings
        built = await stack.enter_async_context(build(settings, paths, keys=KEYS, drain_s=2.0))
        core = built.core
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        stop, group = asyncio.Event(), await stack.enter_async_context(asyncio.TaskGroup())
        group.create_task(serve(core, settings, bind("127.0.0.1", 0), ready=ready.set_result, stop=stop))
        stack.callback(stop.set)
        client = httpx.AsyncClient(base_url=await ready, trust_env=False, timeout=30)
        await stack.enter_async_context(client)
        twins = {name: (twin,) for name, twin in made.items() if name != "gpu2"}
        yield FiveEngines(client, core, {**twins, "gpu": (made["gpu"], made["gpu2"])}, paths.ledger)


def _serving(behaviour: Behaviour, model: str) -> Behaviour:
    return replace(behaviour, models=(TwinModel(name=model),))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)
