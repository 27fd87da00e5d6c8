"""How long does `claw status` take, Python's own start included?

    python -m benchmarks.perf.status [--runs N]

Starts a core in rehearsal in a home of its own, then runs `python -c pass` and `claw status` in turn, so that both see
the same machine. The last line is the ratio of the medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLAW = [sys.executable, "-m", "console.entry"]
STATUS = [sys.executable, "-c", "import sys; from console.entry import main; sys.exit(main())", "status"]
"""As the script `claw` starts; `python -m` would also import runpy."""

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "claw status": [*STATUS, "--rehearse"],
    "claw status --short": [*STATUS, "--rehearse", "--short"],
    "claw status, no core": STATUS,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=40)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, core(Path(folder)) as environment:
        taken = measured(given.runs, environment)
    if given.json:
        print(json.dumps({name: statistics.median(times) for name, times in taken.items()}))
        return
    floor = statistics.median(taken["python -c pass"])
    print(f"{'milliseconds':<24}{'least':>8}{'median':>8}{'p95':>8}{'ratio':>8}")
    for name, times in taken.items():
        middle, high = statistics.median(times), statistics.quantiles(times, n=20)[-1]
        print(f"{name:<24}{min(times):>8.1f}{middle:>8.1f}{high:>8.1f}{middle / floor:>8.2f}")


@contextmanager
def core(home: Path) -> Iterator[dict[str, str]]:
    """A core with traffic in rehearsal; yields the environment in which it is found."""
    environment = os.environ | {"CLAW_HOME": str(home)}
    command = [*CLAW, "serve", "--rehearse", "--traffic", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stderr is not None
        try:
            assert serving.stderr.readline().startswith("ready ")
            yield environment
        finally:
            serving.terminate()


def measured(runs: int, environment: dict[str, str]) -> dict[str, list[float]]:
    """Milliseconds of each run, the commands in turn."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs):
        for name, command in COMMANDS.items():
            began = time.perf_counter()
            done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
            taken[name].append((time.perf_counter() - began) * 1000)
            assert done.returncode == 3 if name.endswith("no core") else done.returncode < 3
    return taken


if __name__ == "__main__":
    main()
