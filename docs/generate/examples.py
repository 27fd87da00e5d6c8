"""The ten example decisions of docs/routing.md, made by `explain` of a whole core.

The engines are twins that are up and idle and have answered nothing yet. No prompt is sent to them.
"""

import asyncio
import tempfile
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from backends.bootstrap.build import build
from backends.commands.explain import lines
from backends.paths import Paths
from backends.rehearsal.process import twins
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.types import Explanation, Message, Request


class Example(Struct, frozen=True):
    """What one would type after `claw explain --agent`, and the intent that a reader would name."""

    agent: str
    prompt: str
    intent: str


EXAMPLES = (
    Example("scout", "What's trending around home labs this month?", "trend-analysis"),
    Example("infra", "Is the web server up?", "health-check"),
    Example("classifier", "Is this review positive or negative?", "classification"),
    Example("writer", "Write the opening scene of a detective story", "creative-writing"),
    Example("writer", "Translate this contract into Polish", "translation"),
    Example("sherlock", "What does the literature say about sleep and memory?", "research"),
    Example("coding", "Why does this script fail with a KeyError?", "debugging"),
    Example("ada", "Solve x² − 5x + 6 = 0 step by step", "maths-logic"),
    Example("agent", "Turn off the lights in the living room", "tool-use"),
    Example("script", "Rewrite this for staging: postgres://admin:Tr0ub4dor@db.intern/app", "rewriting"),
)


@lru_cache(maxsize=1)
def explained() -> tuple[Explanation, ...]:
    """What `claw explain` says of each, with the settings as they are built in."""
    with tempfile.TemporaryDirectory() as home:
        paths = Paths.find(environ={"CLAW_HOME": home})
        return asyncio.run(_explained(load(paths.config, {}).settings, paths))


async def _explained(settings: Settings, paths: Paths) -> tuple[Explanation, ...]:
    async with twins() as pair:
        local = replace(settings.engines["local"], base_url=pair.ollama.url)
        cloud = replace(settings.engines["cloud"], base_url=pair.gemini.url)
        settings = replace(settings, engines=settings.engines | {"local": local, "cloud": cloud})
        async with build(settings, paths, keys={"cloud": "twin"}, purpose="one-shot") as built:
            return tuple([await built.core.explain(_request(example)) for example in EXAMPLES])


def _request(example: Example) -> Request:
    return Request(id="example", agent=example.agent, messages=(Message(role="user", text=example.prompt),))


def table() -> list[tuple[str, ...]]:
    """Rows of: command, where to, intent, why."""
    return [
        (
            f'`--agent {example.agent} "{example.prompt}"`',
            told.engine,
            told.intent,
            "; ".join(f"{reason.rule}: {reason.detail}" for reason in told.reasons if reason.detail != "auto"),
        )
        for example, told in zip(EXAMPLES, explained(), strict=True)
    ]


IN_FULL = 3
"""The one whose whole evidence is shown."""


def in_full() -> str:
    """What `claw explain` prints of one example, without what differs each time: the time it took, and the session."""
    example, told = EXAMPLES[IN_FULL], replace(explained()[IN_FULL], session="")
    head, *rest = lines(told)
    said = [head.rpartition(" · ")[0], *rest]
    return "\n".join([f'$ claw explain --agent {example.agent} "{example.prompt}"', *said])


if __name__ == "__main__":
    for row in table():
        print(" | ".join(row))
