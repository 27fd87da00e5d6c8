"""What a decision costs among 2, 8 and 32 engines, from the request's text to the plan; no engine is called.

    python -m benchmarks.perf.candidates [--rounds 400] [--json]

The peer is the decision among the two built-in engines in the same run.
"""

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
from pathlib import Path

from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.core.local import LocalCore
from backends.identity import new_id
from backends.paths import Paths
from backends.settings.engines import Engine, GeminiSettings, OllamaSettings, OpenAISettings
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.types import Message, Request

NOWHERE = "http://127.0.0.1:9"
PROMPT = "Compare PostgreSQL and SQLite for a small service that writes a few hundred rows a minute, and say why."
COUNTS = (2, 8, 32)


def engines(settings: Settings, count: int) -> dict[str, Engine]:
    """The two built-in engines, and in turn a small local one, a lite cloud one and an OpenAI-compatible one."""
    found = dict(settings.engines)
    for index in range(count - len(found)):
        match index % 3:
            case 0:
                found[f"small{index}"] = OllamaSettings(model="qwen2.5:3b", base_url=NOWHERE)
            case 1:
                found[f"lite{index}"] = GeminiSettings(model="gemini-3.1-flash-lite")
            case _:
                found[f"other{index}"] = OpenAISettings(model="openai/gpt-4o-mini", base_url=NOWHERE, zone="cloud")
    return found


async def decisions(core: LocalCore, rounds: int) -> list[float]:
    """Microseconds of each decision, as `claw explain` says them."""
    found = []
    for _ in range(rounds):
        request = Request(id=new_id(), agent="writer", messages=(Message(role="user", text=PROMPT),))
        found.append((await core.explain(request)).decision_us)
    return found[rounds // 4 :]


async def measure(rounds: int) -> dict[int, float]:
    """Median microseconds by the number of engines, all cores taking turns so that the machine's moods are shared."""
    cores: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(4):
        for count in COUNTS:
            with tempfile.TemporaryDirectory() as home:
                paths = Paths.find(environ={"CLAW_HOME": home})
                settings = load(Path(home) / "claw.toml", {}).settings
                settings = replace(
                    settings, engines=engines(settings, count), cache=replace(settings.cache, semantic=False)
                )
                keys = dict.fromkeys(settings.engines, "none")
                async with build(settings, paths, keys=keys, purpose="one-shot") as built:
                    gc.freeze()  # as a core that serves does: what was loaded is no longer searched for garbage
                    cores[count] += await decisions(built.core, rounds // 4)
    return {count: statistics.median(found) for count, found in cores.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=800)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    medians = asyncio.run(measure(args.rounds))
    rows = [
        {"engines": count, "p50_us": round(us, 1), "ratio": round(us / medians[2], 2)} for count, us in medians.items()
    ]
    if args.json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return 0
    for row in rows:
        sys.stdout.write(f"{row['engines']:>3} engines  {row['p50_us']:>8.1f} µs  {row['ratio']:.2f} × two engines\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
