"""An app around the chat pane alone, which answers what it posts with scripted chunks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from textual.app import App, ComposeResult
from textual.events import Key, Paste
from textual.pilot import Pilot

from backends.types import (
    Action,
    AgentState,
    Chunk,
    Classes,
    Delta,
    Done,
    EngineState,
    Estimate,
    Explanation,
    Outcome,
    Reason,
    Request,
    Routed,
    Tokens,
)
from console import theming
from console.chat_history import ChatHistory
from console.keys import PasteGuard
from console.messages import (
    AnswerFailed,
    CancelRequest,
    ChunkArrived,
    PreviewRoute,
    RoutePreviewed,
    RunAction,
    SendRequest,
    StateChanged,
)
from console.panes.chat_pane import ChatPane
from console.state import CoreConnection, ViewState
from tests.console.stage import text_of

THEME = theming.theme(theming.DEFAULT)  # read here, outside of any event loop
AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
STATE = ViewState(
    connection=CoreConnection(phase="live", mode="embedded"),
    rehearsal=True,
    engines=(
        EngineState(name="local", zone="local", kind="ollama", model="qwen2.5:14b", label="SmolLM2 135M, this machine"),
        EngineState(
            name="cloud",
            zone="cloud",
            kind="gemini",
            model="gemini-3.5-flash-lite",
            label="simulated Gemini",
            simulated=True,
        ),
    ),
    agents=tuple(AgentState(name=name, policy="auto") for name in ("scout", "infra", "writer")),
)


def explanation(*, engine: str = "local", sensitive: bool = False, agent: str = "default") -> Explanation:
    return Explanation(
        agent=agent,
        engine="cloud" if engine == "cloud" else "cache" if engine == "cache" else "local",
        zone="cloud" if engine == "cloud" else "local",
        model="gemini-3.5-flash-lite" if engine == "cloud" else "qwen2.5:14b",
        intent="trend",
        complexity=0.21,
        sensitive=sensitive,
        reasons=(Reason(rule="policy", detail="local"),),
        decision_us=180.0,
        estimate=Estimate(cost_usd=Decimal("0.0021") if engine == "cloud" else Decimal(0), latency_ms=2000.0),
        classes=Classes(intent="trend", intent_p=0.9, complexity=0.21, p_local=0.8, p_cloud=0.9, input_tokens=310),
    )


def outcome(request: Request, **changed: Any) -> Outcome:
    """A good end of the request on the local engine, but for `changed`."""
    good = Outcome(
        id=request.id,
        agent=request.agent,
        started_at=AT,
        source=request.source,
        engine="local",
        zone="cloud" if changed.get("engine") == "cloud" else "local",
        model="qwen2.5:14b",
        intent="trend",
        complexity=0.21,
        sensitive=False,
        reasons=(Reason(rule="policy", detail="local"),),
        cache="miss",
        tokens=Tokens(input=310, output=128),
        cost_usd=Decimal(0),
        baseline_usd=Decimal("0.0021"),
        ttft_ms=210.0,
        latency_ms=1840.0,
        finish="stop",
    )
    return msgspec.structs.replace(good, **changed)


Script = Callable[[Request], Sequence[Chunk] | str]


def says(*texts: str, **changed: Any) -> Script:
    """An answer of these pieces, with an outcome that differs in `changed`."""
    return lambda request: (
        Routed(id=request.id, explanation=explanation(agent=request.agent)),
        *map(Delta, texts),
        Done(outcome(request, **changed)),
    )


def starts(*texts: str) -> Script:
    """An answer that goes on: no end comes."""
    return lambda request: says(*texts)(request)[:-1]


class ChatHost(App[None]):
    """`script` answers each Ask with chunks, or fails it with a line. What was posted is kept."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        script: Script | None = None,
        *,
        state: ViewState = STATE,
        history: ChatHistory | None = None,
        max_prompt_bytes: int = 8_388_608,
        **files: Any,
    ) -> None:
        super().__init__()
        self.guard = PasteGuard(time.monotonic)
        self.script = script or says("Fine.")
        self.view = state
        self.chat = ChatPane(history, max_prompt_bytes=max_prompt_bytes, **files)
        self.asked: list[Request] = []
        self.cancelled: list[str] = []
        self.previewed: list[Request] = []
        self.acted: list[Action] = []
        self.register_theme(THEME)
        self.theme = theming.DEFAULT

    def compose(self) -> ComposeResult:
        yield self.chat

    def on_mount(self) -> None:
        self.chat.focus()
        self.chat.post_message(StateChanged(self.view))

    def on_send_request(self, message: SendRequest) -> None:
        self.asked.append(message.request)
        answer = self.script(message.request)
        if isinstance(answer, str):
            self.chat.post_message(AnswerFailed(message.turn, answer))
            return
        for chunk in answer:
            self.chat.post_message(ChunkArrived(message.turn, chunk))

    def on_cancel_request(self, message: CancelRequest) -> None:
        self.cancelled.append(message.turn)

    def on_run_action(self, message: RunAction) -> None:
        self.acted.append(message.action)

    def on_preview_route(self, message: PreviewRoute) -> None:
        self.previewed.append(message.request)
        self.chat.post_message(RoutePreviewed(message.turn, explanation(agent=message.request.agent)))

    def screen_text(self) -> str:
        """What the pane shows, line by line."""
        return "\n".join(self.chat.render_line(y).text for y in range(self.chat.size.height))


async def until(pilot: Pilot[None], holds: Callable[[], bool], *, timeout_s: float = 5.0) -> None:
    """Wait until a condition holds; fails after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, f"never held; the screen:\n{pilot.app.screen_text()}"  # type: ignore[attr-defined]
        await asyncio.sleep(0.005)


async def overlay_shows(pilot: Pilot[None], text: str) -> None:
    """Wait until the whole screen, overlays included, shows a text."""
    await until(pilot, lambda: text in text_of(pilot.app))


async def shows(pilot: Pilot[None], text: str) -> None:
    host = pilot.app
    assert isinstance(host, ChatHost)
    await until(pilot, lambda: text in host.screen_text())


async def write(pilot: Pilot[None], text: str) -> None:
    """Put text into the prompt as a paste, which needs no time between keys."""
    host = pilot.app
    assert isinstance(host, ChatHost)
    before = host.chat.prompt
    host.chat.post_message(Paste(text))
    await until(pilot, lambda: host.chat.prompt != before)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Keys as a hand presses them: apart."""
    for key in keys:
        await pilot.press("wait:40", key)


def feed(host: ChatHost, *keys: str) -> None:
    """Keys as a terminal without bracketed paste delivers a paste: all at one moment."""
    events = [Key(key, key if len(key) == 1 else None) for key in keys]
    for event in events:
        host.chat.post_message(event)


async def send(pilot: Pilot[None], text: str) -> None:
    host = pilot.app
    assert isinstance(host, ChatHost)
    asked = len(host.asked)
    await write(pilot, text)
    await press(pilot, "enter")
    await until(pilot, lambda: len(host.asked) > asked)
