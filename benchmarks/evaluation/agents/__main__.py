"""Does it work for the agents that people run?

python -m benchmarks.evaluation.agents --data DIR [--only PART …] [--json]

DIR has agent-bodies, agent-sessions and routing, in the form that their own READMEs describe. A figure that misses its
goal is marked.
"""

import argparse
import json
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from msgspec import to_builtins

from benchmarks.evaluation.agents import PARTS, Figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", choices=PARTS, action="append", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {part: measured(part, given.data) for part in given.only or PARTS}
    print(json.dumps(to_builtins(found), indent=2) if given.json else table(found))


def measured(part: str, data: Path) -> list[Figure]:
    return list(import_module(f"benchmarks.evaluation.agents.{part}").measure(data))


def table(found: dict[str, list[Figure]]) -> str:
    """A part's title, then a line for each of its figures: value, goal, and whether that is missed."""
    every = [figure for figures in found.values() for figure in figures]
    name, value = (max((len(text) for text in texts), default=0) for texts in columns(every))
    lines: list[str] = []
    for part, figures in found.items():
        lines += ["", f"{part}: {PARTS[part]}"]
        for each in figures:
            missed = "" if each.met else "   MISSED"
            lines.append(f"  {each.name:<{name}}  {each.value:>{value}}   {each.goal}{missed}".rstrip())
    return "\n".join([*lines, "", f"{sum(each.met for each in every)} of {len(every)} goals met"]).lstrip("\n")


def columns(figures: Iterable[Figure]) -> tuple[list[str], list[str]]:
    kept = list(figures)
    return [each.name for each in kept], [each.value for each in kept]


if __name__ == "__main__":
    main()
