"""Four engines' twins in this process, and the core between them in a child that can be killed."""

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from backends.rehearsal.behaviour import GEMINI, OLLAMA, OPENAI, PROVIDER, Behaviour
from backends.rehearsal.gemini_twin import GeminiTwin
from backends.rehearsal.ollama_twin import OllamaTwin
from backends.rehearsal.openai_twin import OpenAITwin
from backends.rehearsal.provider_twin import ProviderTwin
from backends.rehearsal.twin import Twin
from backends.settings.engines import CLOUD_ENGINE, LOCAL_ENGINE

SERVE = (sys.executable, "-m", "console.entry", "serve", "--port", "0")
START_S, END_S = 60.0, 40.0
CLOUD_ENGINES = (CLOUD_ENGINE, "backup")

ENGINES = """
[engines.local]
base_url = "{local}"
parallel = 4
first_byte_s = {first_byte_s}
idle_s = {idle_s}

[engines.gpu]
kind = "openai"
zone = "local"
model = "qwen2.5:14b"
base_url = "{gpu}/v1"
parallel = 4
first_byte_s = {first_byte_s}
idle_s = {idle_s}

[engines.cloud]
base_url = "{cloud}"
explicit_cache = "off"
first_byte_s = {first_byte_s}
idle_s = {idle_s}

[engines.backup]
kind = "openai"
zone = "cloud"
model = "openai/gpt-4o-mini"
base_url = "{backup}/api/v1"
key_env = "BACKUP_KEY"
first_byte_s = {first_byte_s}
idle_s = {idle_s}

[prices."openai/gpt-4o-mini"]
input_usd = "0.15"
cached_input_usd = "0.075"
output_usd = "0.60"

[cache]
semantic = false

[telemetry]
gpu = false
"""


ELSEWHERE = ("CLAW_", "OLLAMA_", "GEMINI_", "GOOGLE_")
"""What the names of variables begin with that name engines, keys and homes of the user's own."""


class CoreEnded(Exception):
    """The core ended before it said that it was ready."""


class Stand:
    """`twins` by their engines' names. `url` is the gateway's while a core is `up`.

    `lines` are the newest that cores wrote to stderr, over all of their lives.
    """

    def __init__(self, home: Path, twins: dict[str, Twin], env: dict[str, str]) -> None:
        self.home = home
        self.twins = twins
        self.env = env
        self.ledger = home / "state" / "ledger.db"
        self.up = asyncio.Event()
        self.url = ""
        self.lines: deque[str] = deque(maxlen=1_000)
        self._built = {name: twin.behaviour for name, twin in twins.items()}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The core's. Raises CoreEnded where none was started."""
        return self._started.pid

    @property
    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise CoreEnded("it was not started")
        return self._process

    def mend(self) -> None:
        """Let the twins behave as built."""
        for name, twin in self.twins.items():
            twin.behaviour = self._built[name]

    async def start(self) -> None:
        """Start a core and wait until it listens. Raises CoreEnded with its last line where it does not."""
        self._process = process = await asyncio.create_subprocess_exec(
            *SERVE, env=self.env, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
        )
        lines = process.stderr or asyncio.StreamReader()
        async with asyncio.timeout(START_S):
            while line := (await lines.readline()).decode(errors="replace").strip():
                self.lines.append(line)
                if line.startswith("ready "):
                    self.url = line.split()[-1]
                    self._reading = asyncio.create_task(self._read(lines))
                    self.up.set()
                    return
            await process.wait()
        raise CoreEnded(self.lines[-1] if self.lines else "it said nothing")

    async def kill(self) -> None:
        """kill -9."""
        self.up.clear()
        self._started.kill()
        await self._ended()

    async def end(self) -> int:
        """SIGTERM; returns the exit code, -9 where it had to be killed."""
        self.up.clear()
        process = self._started
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), END_S)
            except TimeoutError:
                process.kill()
        return await self._ended()

    async def _ended(self) -> int:
        code = await self._started.wait()
        if self._reading is not None:
            await self._reading
            self._reading = None
        return code

    async def _read(self, stderr: asyncio.StreamReader) -> None:
        while line := await stderr.readline():
            self.lines.append(line.decode(errors="replace").rstrip())


@asynccontextmanager
async def stand(
    home: Path,
    settings: str = "",
    *,
    key: str = "twin",
    modules: Path | None = None,
    tokens_per_s: float | None = None,
    first_byte_s: float = 60.0,
    idle_s: float = 30.0,
) -> AsyncGenerator[Stand]:
    """A stand without a core yet, in `home`, which exists. `settings` are further lines of claw.toml, `key` is what the
    cloud engines ask for, `modules` a folder of modules that the core imports instead of others.
    """
    twins: dict[str, Twin] = {
        LOCAL_ENGINE: OllamaTwin(_paced(OLLAMA, 4, tokens_per_s), keep_bodies=True),
        "gpu": OpenAITwin(_paced(OPENAI, 4, tokens_per_s), keep_bodies=True),
        CLOUD_ENGINE: GeminiTwin(_paced(GEMINI, 1_000, tokens_per_s), keep_bodies=True),
        "backup": ProviderTwin(_paced(PROVIDER, 1_000, tokens_per_s), keep_bodies=True),
    }
    made = Stand(home, twins, _environment(home, key, modules))
    try:
        urls = {name: await twin.start() for name, twin in twins.items()}
        text = ENGINES.format(**urls, first_byte_s=first_byte_s, idle_s=idle_s) + settings
        await asyncio.to_thread((home / "claw.toml").write_text, text, encoding="utf-8")
        yield made
    finally:
        if made.up.is_set():
            await made.end()
        for twin in twins.values():
            await twin.close()


def _environment(home: Path, key: str, modules: Path | None) -> dict[str, str]:
    """This process's own, without what would lead a core elsewhere."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ELSEWHERE) and not name.lower().endswith("_proxy")
    }
    path = os.pathsep.join(filter(None, (str(modules or ""), os.environ.get("PYTHONPATH"))))
    return own | {
        "CLAW_HOME": str(home),
        "GEMINI_API_KEY": key,
        "BACKUP_KEY": key,
        "TERM": "xterm-256color",
        "PYTHONPATH": path,
    }


def _paced(behaviour: Behaviour, parallel: int, tokens_per_s: float | None) -> Behaviour:
    return replace(behaviour, parallel=parallel, tokens_per_s=tokens_per_s, chunk_tokens=16)
