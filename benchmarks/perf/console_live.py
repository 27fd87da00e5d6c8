"""What does the console cost while figures move, on a slow line, and beside a console of stock widgets?

    python -m benchmarks.perf.console_live [--seconds 30] [--presses 200] [--rate 200] [--only NAME …] [--json]

Every program runs in a pseudo-terminal. Engines are twins, and `--rate` requests a second are answered by a core on the
same cores, mostly from its cache. The stock console (`benchmarks/perf/stock_console.py`) invents as many requests
itself, while the same core is asked as often beside it. The parts, for `--only`:

    idle    a console that holds its own core, before any request
    panes   the five panes of a wide screen, with a request a second and samples each second
    keys    letters typed into the chat under load, in turns with the stock console
    line    the same on a line of 50 kB/s
    cell    the bytes of one cell that changes
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.evaluation.ledger_accuracy import CLAW, Place, core, furnished, twins
from benchmarks.perf.console import CHAT, SETTINGS, SETTLING_S, Load
from benchmarks.perf.pseudo_terminal import Terminal, keys, rounded, terminal

EVERY_SECOND = "interval_s = 1.0\n"
"""Of the table at the end of SETTINGS."""

WIDE = (50, 180)
LINE_B_S = 50_000
OWN_CORE_S = 20.0
"""Until a core of one's own has started and looked at its engines."""

ROUNDS = 3
ONE_CELL = """
import itertools
from textual.app import App
from textual.screen import Screen
from console import theming
from console.changed_cells import ChangedCellsCompositor
from console.present.spans import row, span
from console.widgets.line_widget import LineWidget

class Line(LineWidget):
    digit = 0
    def draw(self, size):
        return [row(span("x" * 60), span(str(self.digit), "strong"), span("y" * 40))], None

class OneLine(Screen):
    def __init__(self):
        super().__init__()
        self._compositor = ChangedCellsCompositor()
    def compose(self):
        yield Line()

class OneCell(App):
    def get_default_screen(self):
        return OneLine()
    def on_mount(self):
        self.register_theme(theming.theme(theming.DEFAULT))
        self.theme = theming.DEFAULT
    def on_key(self):
        line = self.query_one(Line)
        line.digit = (line.digit + 1) % 10
        line.redraw()

OneCell().run()
"""
CHANGES = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each cost")
    parser.add_argument("--presses", type=int, default=200, help="keys of a round")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second under load")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found: dict[str, object] = {}
    for part in args.only:
        found |= PARTS[part](args)
    found["load of the machine"] = round(os.getloadavg()[0], 2)
    print(json.dumps(found) if args.json else "\n".join(f"{name:<52} {value}" for name, value in found.items()))
    return 0


def a_core(stack: ExitStack, settings: str = SETTINGS) -> Place:
    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return stack.enter_context(core(stack.enter_context(twins()), home, settings=settings))


def attached(stack: ExitStack, place: Place, *, size: tuple[int, int] = (40, 120)) -> Terminal:
    """A console that has settled, without the card of the first run."""
    console = stack.enter_context(terminal([*CLAW, "--attach", str(place.socket)], place.env, size=size))
    console.painted("Runtime")
    console.read_for(SETTLING_S)
    console.send("\x1b")
    console.read_for(SETTLING_S)
    return console


def idle(args: argparse.Namespace) -> dict[str, object]:
    with ExitStack() as stack:
        stage = stack.enter_context(twins())
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        console = stack.enter_context(terminal([*CLAW, "--embed"], furnished(home, stage, SETTINGS)))
        console.painted("Runtime")
        console.read_for(SETTLING_S)
        console.send("\x1b")
        console.read_for(OWN_CORE_S)
        cost = console.cost(args.seconds)
    return {
        "own core, idle: CPU %": rounded(cost["cpu_pct"]),
        "own core, idle: bytes in all": round(cost["bytes_s"] * args.seconds),
        "own core, idle: resident MB": rounded(cost["rss_mb"]),
    }


def panes(args: argparse.Namespace) -> dict[str, object]:
    with ExitStack() as stack:
        place = a_core(stack, SETTINGS + EVERY_SECOND)
        console = attached(stack, place, size=WIDE)
        with Load(place.url, 1.0):
            console.read_for(SETTLING_S)
            cost = console.cost(args.seconds)
    return {
        "five panes at 1 Hz: CPU %": rounded(cost["cpu_pct"]),
        "five panes at 1 Hz: bytes a second": round(cost["bytes_s"]),
    }


def keys_under_load(args: argparse.Namespace) -> dict[str, object]:
    ours, theirs, costs = [], [], []
    with ExitStack() as stack:
        place = a_core(stack)
        console = attached(stack, place)
        command = [sys.executable, "-m", "benchmarks.perf.stock_console", str(args.rate)]
        for _ in range(ROUNDS):
            with Load(place.url, args.rate):
                console.read_for(SETTLING_S)
                costs.append(console.cost(args.seconds / ROUNDS))
                console.send(CHAT)
                console.read_for(1.0)
                ours.append(keys(console, args.presses))
                console.send("\x1b")
            console.process.suspend()  # or it would take of the cores what the other needs
            with terminal(command, place.env) as stock, Load(place.url, args.rate):
                stock.painted("stock ready")
                stock.read_for(SETTLING_S)
                theirs.append(keys(stock, args.presses))
            console.process.resume()
            console.read_for(SETTLING_S)
    p99 = [(mine[1], other[1]) for mine, other in zip(ours, theirs, strict=True)]
    return {
        "under load: CPU %, of each round": rounded(*(cost["cpu_pct"] for cost in costs)),
        "under load: bytes a second, of each round": rounded(*(cost["bytes_s"] for cost in costs)),
        "under load: key p99 ms, of each round": rounded(*(mine for mine, _ in p99)),
        "under load: key p99 ms, stock": rounded(*(other for _, other in p99)),
        "under load: key p50 ms, ours and stock": rounded(
            statistics.median(mine[0] for mine in ours), statistics.median(other[0] for other in theirs)
        ),
        "under load: key p99 × stock, median": rounded(statistics.median(mine / other for mine, other in p99)),
        "under load: keys lost, ours and stock": (sum(mine[2] for mine in ours), sum(other[2] for other in theirs)),
    }


def slow_line(args: argparse.Namespace) -> dict[str, object]:
    with ExitStack() as stack:
        place = a_core(stack)
        console = attached(stack, place)
        console.bytes_s = LINE_B_S
        with Load(place.url, args.rate):
            console.send(CHAT)
            console.read_for(SETTLING_S)
            found = keys(console, args.presses)
    return {"line of 50 kB/s: key p50, p99 ms, lost": rounded(*found)}


def one_cell(_args: argparse.Namespace) -> dict[str, object]:
    with terminal([sys.executable, "-c", ONE_CELL], os.environ | {"TERM": "xterm-256color"}) as opened:
        opened.painted("y" * 40)
        opened.read_for(1.0)
        sizes = []
        for _ in range(CHANGES):
            opened.send("a")
            sizes.append(opened.read_for(0.3))
    return {"one cell: bytes, median and most": (statistics.median(sizes), max(sizes))}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, object]]] = {
    "idle": idle,
    "panes": panes,
    "keys": keys_under_load,
    "line": slow_line,
    "cell": one_cell,
}


if __name__ == "__main__":
    sys.exit(main())
