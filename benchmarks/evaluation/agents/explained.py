"""Is every recorded request explained, whatever its API, and how many are in a second?

A whole core stands before the twins. The bodies of DATA/agent-bodies are read as `claw explain --request` reads them;
then one in each client's shape is explained many times, with another question and 10 kB in each.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.commands.explain_requests import Explained, explain_all
from backends.core.api import Core
from backends.paths import Paths
from backends.rehearsal.process import twins
from backends.settings.loading import load
from backends.settings.model import Settings
from benchmarks.evaluation.agents.bodies import SHAPES, body, headers
from benchmarks.evaluation.agents.figure import Figure, at_least

MANY = 600
FILLING = 8_000
"""Characters of instructions, which make a body of about 10 kB with its tools."""

RATE = 50.0


def measure(data: Path) -> Iterator[Figure]:
    yield from asyncio.run(_measured(data))


async def _measured(data: Path) -> list[Figure]:
    async with _core() as (core, settings):
        recorded = await _explained(core, settings, list(_recorded(data)))
        many = list(_many())
        began = time.process_time()
        told = await _explained(core, settings, many)
        rate = len(told) / (time.process_time() - began)
    answered = [one for one in recorded if not one.wrong and one.explanation.status == 200 and one.explanation.ask]
    size = sum(map(len, many)) / len(many) / 1000
    return [
        at_least("recorded bodies of five APIs, explained with their ask", len(answered) / len(recorded), 1.0),
        Figure(f"requests of {size:.0f} kB explained in a second of CPU", f"{rate:.0f}", f"≥ {RATE:.0f}", rate >= RATE),
    ]


@asynccontextmanager
async def _core() -> AsyncIterator[tuple[Core, Settings]]:
    async with twins() as pair:
        with tempfile.TemporaryDirectory() as home:
            paths = Paths.find(environ={"CLAW_HOME": home})
            plain = (await asyncio.to_thread(load, paths.config, {})).settings
            engines = plain.engines
            local = replace(engines["local"], base_url=pair.ollama.url)
            cloud = replace(engines["cloud"], base_url=pair.gemini.url)
            settings = replace(plain, engines=engines | {"local": local, "cloud": cloud})
            async with build(settings, paths, keys={"cloud": "twin"}) as built:
                yield built.core, settings


async def _explained(core: Core, settings: Settings, lines: list[bytes]) -> list[Explained]:
    async with aclosing(explain_all(core, settings, iter(enumerate(lines, 1)), None)) as each:
        return [one async for one in each]


def _recorded(data: Path) -> Iterator[bytes]:
    for file in sorted((data / "agent-bodies").glob("*.json")):
        kept: dict[str, Any] = json.loads(file.read_bytes())
        yield _line(file.stem, kept["headers"], kept["body"])


def _many() -> Iterator[bytes]:
    clients = sorted(SHAPES)
    for number in range(MANY):
        client = clients[number % len(clients)]
        question = f"what does part {number} of the program do, and who calls it?"
        yield _line(str(number), headers(client), body(client, question, filling=FILLING))


def _line(id: str, sent: dict[str, str], fields: dict[str, Any]) -> bytes:
    return json.dumps({"id": id, "headers": sent, "body": fields}).encode()
