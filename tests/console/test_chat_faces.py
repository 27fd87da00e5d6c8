"""How the chat looks, face by face. Renew with `pytest --snapshot-update` after looking at the report."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from backends.types import Tokens
from console.state import CoreConnection, ViewState
from tests.console.chat_host import STATE, ChatHost, press, says, send, shows, starts, write
from tests.console.scene import six_engines

ANSWER = """\
## Three ways

The queue is **full** because `num_parallel` is *2* while eleven agents ask; see [the guide](https://ollama.com/faq).

1. raise it
   - costs VRAM: 1.2 GB each
2. send `scout` elsewhere

> Measure first.

```sh
OLLAMA_NUM_PARALLEL=4 ollama serve
```

| setting | now | then |
|---|--:|--:|
| parallel | 2 | 4 |
| VRAM, GB | 9.8 | 12.2 |
"""
CLOUD: dict[str, Any] = {
    "engine": "cloud",
    "model": "gemini-3.5-flash-lite",
    "tokens": Tokens(input=310, output=128, thinking=412),
    "cost_usd": Decimal("0.0014"),
    "usage_estimated": True,
    "notes": ("local was tried first: it was full for 2.4 s",),
}

Scene = Callable[[Pilot[None]], Awaitable[None]]


async def nothing(pilot: Pilot[None]) -> None:
    await shows(pilot, "as default")


async def answered(pilot: Pilot[None]) -> None:
    await send(pilot, "why is the local queue full?")
    await shows(pilot, "310 in")


async def previewed(pilot: Pilot[None]) -> None:
    await answered(pilot)
    await write(pilot, "and what does that cost\nin VRAM?")
    await shows(pilot, "~310 tok")


async def asking(pilot: Pilot[None]) -> None:
    await send(pilot, "why is the local queue full?")
    await shows(pilot, "eleven agents")


async def failed(pilot: Pilot[None]) -> None:
    await send(pilot, "why is the local queue full?")
    await shows(pilot, "▲")


async def choosing(pilot: Pilot[None]) -> None:
    await press(pilot, "ctrl+s", "ctrl+g", "w")
    await shows(pilot, "agent  writer")


async def choosing_engine(pilot: Pilot[None]) -> None:
    await press(pilot, "ctrl+t", "g")
    await shows(pilot, "engine  gpu-cluster")


async def pasted(pilot: Pilot[None]) -> None:
    await write(pilot, "explain this log:\n")
    await write(pilot, "12:00 ollama runner started\n" * 4000)
    await shows(pilot, "pasted")
    await shows(pilot, "~310 tok")


def no_core(line: str) -> ViewState:
    return ViewState(connection=CoreConnection(phase="failed", line=line))


def face(name: str) -> tuple[ChatHost, Scene]:
    made: dict[str, tuple[Callable[[], ChatHost], Scene]] = {
        "empty": (ChatHost, nothing),
        "loading": (lambda: ChatHost(state=ViewState()), nothing),
        "failed-core": (lambda: ChatHost(state=no_core("run claw doctor, it says what is missing")), nothing),
        "answered": (lambda: ChatHost(says(ANSWER, **CLOUD)), answered),
        "previewed": (lambda: ChatHost(says("Because.")), previewed),
        "streaming": (lambda: ChatHost(starts(ANSWER[:200])), asking),
        "failed": (
            lambda: ChatHost(lambda _: "no engine may answer: Ollama is down, start it with `ollama serve`"),
            failed,
        ),
        "choosing": (ChatHost, choosing),
        "choosing-engine": (
            lambda: ChatHost(state=msgspec.structs.replace(STATE, engines=six_engines())),
            choosing_engine,
        ),
        "pasted": (ChatHost, pasted),
    }
    make, scene = made[name]
    return make(), scene


@pytest.mark.parametrize(
    "name",
    [
        "empty",
        "loading",
        "failed-core",
        "answered",
        "previewed",
        "streaming",
        "failed",
        "choosing",
        "choosing-engine",
        "pasted",
    ],
)
def test_face_80x24(name: str, snap_compare: Any) -> None:
    app, scene = face(name)
    assert snap_compare(app, run_before=scene, terminal_size=(80, 24))


@pytest.mark.parametrize("name", ["answered", "empty"])
def test_face_200x60(name: str, snap_compare: Any) -> None:
    app, scene = face(name)
    assert snap_compare(app, run_before=scene, terminal_size=(200, 60))


def test_face_20x5(snap_compare: Any) -> None:
    app, scene = face("empty")
    assert snap_compare(app, run_before=scene, terminal_size=(20, 5))
