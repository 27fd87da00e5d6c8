"""What does a chunk of an answer cost on screen, in claw's chat and in Textual's own streaming Markdown?

    python -m benchmarks.perf.chat [--json] [--chunks N] [--size 120x40]

Both run headless in this process and stream the same Markdown, one chunk a frame. The figures are this process's CPU
time for a chunk, at the beginning and at the end of the answer; the difference is what an answer's length costs. The
ratio is to Textual's; lower is better.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct, to_builtins
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Markdown

from backends.types import Delta
from console import theming
from console.keys import PasteGuard
from console.messages import ChunkArrived, SendRequest, StateChanged
from console.panes.chat_pane import ChatPane
from console.state import CoreConnection, ViewState

PARAGRAPH = """\
Some **bold** text with `code` in it, and words that go on for a while so that the line wraps more than once.

- a first point, which is short
- a second one

```python
def double(x: int) -> int:
    return x * 2
```

"""
PIECE = 24  # characters of a chunk, as engines send them
EDGE = 100  # chunks that count as the beginning and as the end

Feed = Callable[[str], Awaitable[None]]


class Row(Struct, frozen=True, kw_only=True):
    """CPU in milliseconds a chunk. `growth` is the end over the beginning, `ratio` the whole over Textual's."""

    what: str
    first_ms: float
    last_ms: float
    growth: float
    total_ms: float
    ratio: float


class Ours(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.guard = PasteGuard(time.monotonic)
        self.chat = ChatPane()
        self.turn = ""
        self.register_theme(theming.theme(theming.DEFAULT))
        self.theme = theming.DEFAULT

    def compose(self) -> ComposeResult:
        yield self.chat

    def on_send_request(self, message: SendRequest) -> None:
        self.turn = message.turn

    async def begin(self, pilot: Pilot[None]) -> Feed:
        self.chat.focus()
        self.chat.post_message(StateChanged(ViewState(connection=CoreConnection(phase="live"))))
        await pilot.press("g", "o", "wait:50", "enter", "wait:50")
        assert self.turn, "the prompt was not sent"

        async def feed(text: str) -> None:
            self.chat.post_message(ChunkArrived(self.turn, Delta(text)))

        return feed


class Theirs(App[None]):
    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Markdown()

    async def begin(self, _pilot: Pilot[None]) -> Feed:
        self.query_one(VerticalScroll).anchor()
        return Markdown.get_stream(self.query_one(Markdown)).write


async def measure(app: Ours | Theirs, chunks: int, size: tuple[int, int]) -> list[float]:
    """CPU seconds of each chunk, until its frame is drawn."""
    text = PARAGRAPH * (chunks * PIECE // len(PARAGRAPH) + 1)
    spent: list[float] = []
    async with app.run_test(size=size) as pilot:
        feed = await app.begin(pilot)
        for index in range(chunks):
            before = time.process_time()
            await feed(text[index * PIECE : (index + 1) * PIECE])
            await pilot.pause()
            spent.append(time.process_time() - before)
    return spent


def row(what: str, spent: list[float], theirs: list[float]) -> Row:
    first, last = (sum(part) / len(part) * 1000 for part in (spent[:EDGE], spent[-EDGE:]))
    return Row(
        what=what,
        first_ms=first,
        last_ms=last,
        growth=last / first,
        total_ms=sum(spent) / len(spent) * 1000,
        ratio=sum(spent) / sum(theirs),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--chunks", type=int, default=400)
    parser.add_argument("--size", default="120x40", help="columns x rows")
    options = parser.parse_args()
    columns, rows = map(int, options.size.split("x"))
    ours = asyncio.run(measure(Ours(), options.chunks, (columns, rows)))
    theirs = asyncio.run(measure(Theirs(), options.chunks, (columns, rows)))
    table = [row("claw chat", ours, theirs), row("textual Markdown", theirs, theirs)]
    if options.json:
        print(json.dumps(to_builtins(table)))
        return
    print(f"{'CPU of one chunk':<18}{'first':>9}{'last':>9}{'growth':>8}{'mean':>9}{'ratio':>7}")
    for each in table:
        figures = f"{each.first_ms:>6.2f} ms{each.last_ms:>6.2f} ms{each.growth:>8.2f}{each.total_ms:>6.2f} ms"
        print(f"{each.what:<18}{figures}{each.ratio:>7.2f}")


if __name__ == "__main__":
    main()
