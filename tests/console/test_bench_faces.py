"""How the bench looks, at three sizes. Renew with `pytest --snapshot-update` after looking at the report."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from textual.pilot import Pilot

from backends.types import Attempt, Chunk, Delta, Done, Request, Routed, Tokens
from console import theming
from console.bench.saved_prompts import SavedPrompts
from tests.console.chat_host import (
    ChatHost,
    explanation,
    outcome,
    overlay_shows,
    press,
    says,
    send,
    shows,
    until,
    write,
)

DEPTHS: tuple[theming.Depth, ...] = ("256", "16")
FEWER = {depth: theming.as_theme(f"of-{depth}", theming.read(theming.DEFAULT), depth) for depth in DEPTHS}
NARROW, MIDDLE, WIDE = (80, 24), (120, 40), (200, 60)
CLOUD: dict[str, Any] = {
    "engine": "cloud",
    "model": "gemini-3.5-flash-lite",
    "tokens": Tokens(input=310, output=100, thinking=412),
    "cost_usd": Decimal("0.0014"),
    "ttft_ms": 640.0,
    "latency_ms": 1640.0,
    "ignored": ("seed",),
}
CHECKED: dict[str, Any] = {"attempts": (Attempt(engine="local", zone="local", model="q", role="verification"),)}
TEXT = "\nis full because **two** calls run at once:\n\n1. raise `num_parallel`\n2. send scout elsewhere\n"

Scene = Callable[[Pilot[None]], Awaitable[None]]


def by_engine(request: Request) -> Sequence[Chunk] | str:
    cloud = request.engine == "cloud"
    return (
        Routed(id=request.id, explanation=explanation(engine=request.engine)),
        Delta(f"The queue of {request.engine}{TEXT}"),
        Done(outcome(request, **(CLOUD if cloud else CHECKED))),
    )


def refuses_cloud(request: Request) -> Sequence[Chunk] | str:
    if request.engine == "cloud":
        return "the policy of scout is local: ask as another agent, or change agents.scout.policy"
    return by_engine(request)[:2]


async def compared(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, ChatHost)
    await write(pilot, "why is the queue full?")
    await press(pilot, "alt+c")
    await overlay_shows(pilot, "[x] ▐cloud")
    await press(pilot, "enter")
    await shows(pilot, "The queue of local")
    await until(pilot, lambda: "answered" in app.screen_text() or "policy of" in app.screen_text())


async def choosing(pilot: Pilot[None]) -> None:
    await write(pilot, "why is the queue full?")
    await shows(pilot, "~310 tok")
    await press(pilot, "alt+c", "down", "right", "right", "right")
    await overlay_shows(pilot, "think low")


async def set_up(pilot: Pilot[None]) -> None:
    for line in ("/temp .2", "/think high", "/model cloud/gemini-2.5-pro", "/system You are a terse reviewer."):
        await write(pilot, line)
        await press(pilot, "enter")
    await write(pilot, "why is the queue full?")
    await shows(pilot, "~310 tok")


async def form(pilot: Pilot[None]) -> None:
    await set_up(pilot)
    await press(pilot, "alt+s", "down", "down", "down", "down", "9")
    await overlay_shows(pilot, "temperature, from 0 to 2")


async def command(pilot: Pilot[None]) -> None:
    await write(pilot, "/s")
    await shows(pilot, "/system")


async def saved(pilot: Pilot[None]) -> None:
    await press(pilot, "alt+p", "w")
    await overlay_shows(pilot, "asks for topic, lines")


async def turns(pilot: Pilot[None]) -> None:
    for prompt in ("one", "two\nlines"):
        await send(pilot, prompt)
        await shows(pilot, "310 in")
    await press(pilot, "alt+t", "down")
    await overlay_shows(pilot, "2 of 2")


def kept_prompts() -> SavedPrompts:
    kept = SavedPrompts()
    kept.save("weekly", "Sum up {{topic}} in {{lines}} lines.")
    kept.save("review", "Review this:\n\n{{code}}")
    return kept


FACES: dict[str, tuple[Callable[[], ChatHost], Scene]] = {
    "compared": (lambda: ChatHost(by_engine), compared),
    "refused": (lambda: ChatHost(refuses_cloud), compared),
    "choosing": (ChatHost, choosing),
    "settings": (ChatHost, set_up),
    "form": (ChatHost, form),
    "command": (ChatHost, command),
    "saved": (lambda: ChatHost(saved=kept_prompts()), saved),
    "turns": (lambda: ChatHost(says("Look:\n\n```sh\nls\n```\n")), turns),
}


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *(pytest.param(name, NARROW, id=f"{name}-narrow") for name in FACES),
        *(pytest.param(name, MIDDLE, id=f"{name}-120x40") for name in ("compared", "refused", "settings")),
        pytest.param("compared", WIDE, id="compared-wide"),
    ],
)
def test_bench(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    make, scene = FACES[name]
    assert snap_compare(make(), run_before=scene, terminal_size=size)


@pytest.mark.parametrize("depth", FEWER)
@pytest.mark.parametrize("name", ["compared", "form"])
def test_bench_on_a_terminal_of_fewer_colours(name: str, depth: theming.Depth, snap_compare: Any) -> None:
    make, scene = FACES[name]

    async def shown(pilot: Pilot[None]) -> None:
        pilot.app.register_theme(FEWER[depth])
        pilot.app.theme = FEWER[depth].name
        await scene(pilot)

    assert snap_compare(make(), run_before=shown, terminal_size=MIDDLE)
