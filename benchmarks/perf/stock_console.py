"""A console out of Textual's own widgets, to compare with: DataTable, RichLog, Sparkline and streaming Markdown.

    python -m benchmarks.perf.stock_console RATE

It shows as many invented requests a second as told, ten times a second and not one by one, and streams answers of 100
tokens a second into its chat.
"""

import asyncio
import random
import sys
from collections import deque
from collections.abc import Iterator
from time import monotonic

from textual.app import App, ComposeResult
from textual.containers import Grid, Vertical, VerticalScroll
from textual.widgets import DataTable, Input, Markdown, RichLog, Sparkline, Static

AGENTS = ("scout", "writer", "intel", "coding", "infra", "script", "sherlock", "ada")
ENGINES = ("local", "cloud", "cache")
WORDS = ("where", "the `cache` answers", "**nothing** is paid", "and", "the queue", "stays short")
FRAME_S, TOKEN_S = 0.1, 0.01
LISTED, CHARTED = 500, 60
TABLES = {"agents": ("agent", "engine", "requests"), "spend": ("agent", "today", "month")}
CHARTS = ("requests", "hits", "money")


class StockConsole(App[None]):
    CSS = (
        "Grid { grid-size: 3 2; } Vertical { border: round $primary; } Sparkline { height: 2; } Input { dock: bottom; }"
    )

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate, self._begun, self._shown = rate, monotonic(), 0
        self._random = random.Random(1)
        self._asked = dict.fromkeys(AGENTS, 0)
        self._charts = {name: deque[float](maxlen=CHARTED) for name in CHARTS}

    def compose(self) -> ComposeResult:
        yield Static("stock ready", id="header")
        with Grid():
            yield Vertical(Static(id="gpu"), Sparkline(id="requests"))
            yield Vertical(DataTable(id="agents"))
            yield Vertical(RichLog(id="log", max_lines=LISTED))
            yield Vertical(Static(id="cache"), Sparkline(id="hits"))
            yield Vertical(DataTable(id="spend"), Sparkline(id="money"))
            yield Vertical(VerticalScroll(Markdown(id="answer"), id="answers"), Input(id="prompt"))

    def on_mount(self) -> None:
        for name, columns in TABLES.items():
            table = self.query_one(f"#{name}", DataTable)
            for column in columns:
                table.add_column(column, key=column)
            for agent in AGENTS:
                table.add_row(agent, "–", "0", key=agent)
        self.query_one("#prompt", Input).focus()
        self.set_interval(FRAME_S, self.show_newest)
        self.run_worker(self.stream_answers())

    def show_newest(self) -> None:
        due = int((monotonic() - self._begun) * self._rate)
        newest, self._shown = range(self._shown, due), due
        agents, spend = self.query_one("#agents", DataTable), self.query_one("#spend", DataTable)
        log = self.query_one("#log", RichLog)
        for number in newest:
            agent, engine = self._random.choice(AGENTS), self._random.choice(ENGINES)
            self._asked[agent] += 1
            log.write(f"{number:>6} {agent:<10} {engine:<6} {self._random.randint(3, 4000):>5} ms")
            agents.update_cell(agent, "engine", engine)
        for agent in AGENTS if newest else ():
            agents.update_cell(agent, "requests", str(self._asked[agent]))
            spend.update_cell(agent, "today", f"{self._asked[agent] / 1000:.4f}")
        self.query_one("#header", Static).update(f"stock ready · {due} requests · ${due / 1000:.4f}")
        self.query_one("#gpu", Static).update(
            f"GPU {self._random.randint(40, 60)} %\nqueue {self._random.randint(0, 6)}"
        )
        self.query_one("#cache", Static).update(f"hit rate {self._random.uniform(40, 60):.1f} %\nentries {due}")
        for name, series in self._charts.items():
            series.append(self._random.random())
            self.query_one(f"#{name}", Sparkline).data = [*series]

    async def stream_answers(self) -> None:
        while True:
            answer = self.query_one("#answer", Markdown)
            await answer.update("")
            self.query_one("#answers").anchor()
            stream = Markdown.get_stream(answer)
            try:
                for token in self._tokens():
                    await stream.write(token)
                    await asyncio.sleep(TOKEN_S)
            finally:
                await stream.stop()

    def _tokens(self) -> Iterator[str]:
        for number in range(400):
            yield "\n\n## A part\n\n" if number % 80 == 0 else "\n- " if number % 20 == 0 else ""
            yield f"{self._random.choice(WORDS)} "


if __name__ == "__main__":
    StockConsole(float(sys.argv[1])).run()
