"""The traffic of eleven agents: typical prompts in bursts and quiet spells, some sent twice, some cancelled."""

import asyncio
import secrets
import tomllib
from collections import deque
from collections.abc import Iterator
from contextlib import aclosing
from importlib.resources import files
from random import Random
from string import Template
from typing import Any

import msgspec
from msgspec import Struct, field

from backends.core.api import Core
from backends.errors import ClawError
from backends.identity import new_id
from backends.rehearsal.traffic_material import material
from backends.types import Delta, Message, Request, ResponseFormat, Sampling, Tool

REPEATED = 0.10  # share of calls that repeat an earlier one to the letter
PARAPHRASED = 0.06
LEFT = 0.03
REMEMBERED = 40
MOST_AT_ONCE = 64


class PromptTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """A prompt with $words to fill; `also` says the same in other words."""

    text: str
    also: str = ""
    json: bool = False
    tools: tuple[str, ...] = ()


class AgentTraffic(Struct, frozen=True, forbid_unknown_fields=True):
    """How one agent writes; `max_tokens` caps its answers."""

    system: str
    max_tokens: int
    prompts: tuple[PromptTemplate, ...]


class Planned(Struct, frozen=True, kw_only=True):
    """A call to make after `gap_s`; `leave_after` is the number of deltas after which the caller gives up."""

    gap_s: float
    request: Request
    leave_after: int | None = None


class Scenario(Struct, frozen=True):
    """Who plays, and the tools they may call, by name."""

    agents: dict[str, AgentTraffic]
    tools: dict[str, Tool] = field(default_factory=dict)


async def play(core: Core, *, seed: int | None = None, pace: float = 1.0) -> None:
    """Send traffic until cancelled, about 40 calls a minute at pace 1; refused ones are let go.

    Without a `seed` every run has its own.
    """
    room = asyncio.Semaphore(MOST_AT_ONCE)
    plans = planned(secrets.randbits(32) if seed is None else seed, await asyncio.to_thread(read_scenario))
    async with asyncio.TaskGroup() as calls:
        for plan in plans:
            await asyncio.sleep(plan.gap_s / pace)
            await room.acquire()
            calls.create_task(_call(core, plan)).add_done_callback(lambda _: room.release())


def planned(seed: int, scenario: Scenario) -> Iterator[Planned]:
    """The endless traffic of one seed; only the request ids differ from run to run."""
    random = Random(seed)  # noqa: S311 — traffic, not secrets
    recent: deque[tuple[Request, Request | None]] = deque(maxlen=REMEMBERED)
    for gap in gaps(random):
        throw = random.random()
        if recent and throw < REPEATED:
            request = random.choice(recent)[0]
        elif throw < REPEATED + PARAPHRASED and (others := [other for _, other in recent if other]):
            request = random.choice(others)
        else:
            request, other = _written(random, scenario)
            recent.append((request, other))
        leaves = random.randint(1, 12) if random.random() < LEFT else None
        yield Planned(gap_s=gap, request=msgspec.structs.replace(request, id=new_id()), leave_after=leaves)


def gaps(random: Random) -> Iterator[float]:
    """Seconds before each call: a burst, a steady stretch, a quiet spell, and again; 1.5 s on average."""
    while True:
        for _ in range(random.randint(5, 14)):
            yield random.expovariate(1 / 0.4)
        for _ in range(random.randint(20, 40)):
            yield random.expovariate(1 / 1.5)
        yield random.uniform(8.0, 20.0)


def read_scenario() -> Scenario:
    """The agents and their prompts, from the file beside this one."""
    raw: dict[str, Any] = tomllib.loads(files("backends.rehearsal").joinpath("traffic_prompts.toml").read_text("utf-8"))
    tools = msgspec.convert(raw.pop("tools"), tuple[Tool, ...])
    for agent in raw.values():
        agent["prompts"] = [{"text": prompt} if isinstance(prompt, str) else prompt for prompt in agent["prompts"]]
    return Scenario(msgspec.convert(raw, dict[str, AgentTraffic]), {tool.name: tool for tool in tools})


async def _call(core: Core, plan: Planned) -> None:
    heard = 0
    try:
        async with aclosing(core.ask(plan.request)) as chunks:
            async for chunk in chunks:
                heard += isinstance(chunk, Delta)
                if heard == plan.leave_after:
                    return
    except ClawError:
        return  # refused: the core has counted it


def _written(random: Random, scenario: Scenario) -> tuple[Request, Request | None]:
    """A new request, and its paraphrase where there is one."""
    name = random.choice(list(scenario.agents))
    agent = scenario.agents[name]
    prompt = random.choice(agent.prompts)
    words = material(random)

    def request(text: str) -> Request:
        return Request(
            id="",
            agent=name,
            messages=(
                Message(role="system", text=agent.system),
                Message(role="user", text=Template(text).safe_substitute(words).replace("\\n", "\n")),
            ),
            tools=tuple(scenario.tools[tool] for tool in prompt.tools),
            response_format=ResponseFormat(kind="json" if prompt.json else "text"),
            sampling=Sampling(max_tokens=agent.max_tokens),
            source="traffic",
        )

    return request(prompt.text), request(prompt.also) if prompt.also else None
