"""How often does the semantic cache find a paraphrase, and how often does it answer a different question?

    python -m benchmarks.evaluation.semcache decide --pairs FILE.jsonl[.gz] --out FILE
    python -m benchmarks.evaluation.semcache replay --stream FILE.jsonl[.gz] --out FILE
    python -m benchmarks.evaluation.semcache report --data ../shared/data/semcache [--json]

`decide` reads a line `{"id", "a", "b"}` for each pair and writes whether `a`'s stored answer would be served to `b`.
`replay` sends `{"id", "text"}` through the cache and writes what was served. Neither reads a label. `report` runs both
on the evaluation data and counts: a hit on a pair is wrong if the answers differ, a hit in a stream if the groups do.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from backends.cache.semantic.embedders import load
from benchmarks.evaluation.semcache_report import print_report, report
from benchmarks.evaluation.semcache_run import decide, read, replay, write

COMMANDS = ("decide", "replay", "report")


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(argv if argv and argv[0] in (*COMMANDS, "-h", "--help") else ["report", *argv])
    if arguments.command == "report":
        figures = report(arguments.data, embedder=arguments.embedder)
        if arguments.json:
            print(json.dumps(figures, indent=1))
        else:
            print_report(figures)
        return 0
    rows: list[dict[str, Any]] = list(read(arguments.rows))
    if arguments.command == "decide":
        count = write(arguments.out, decide(rows, load(arguments.embedder), risk=arguments.risk))
    else:
        count = write(arguments.out, asyncio.run(replay(rows, embedder=arguments.embedder)))
    print(f"{count} rows in {arguments.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evaluation.semcache",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command, option in (("decide", "--pairs"), ("replay", "--stream")):
        each = commands.add_parser(command)
        each.add_argument(option, dest="rows", type=Path, required=True, metavar="FILE")
        each.add_argument("--out", type=Path, required=True, metavar="FILE")
        each.add_argument("--embedder", default="auto", help="auto, sentence-transformers or onnx")
        if command == "decide":
            each.add_argument("--risk", type=float, help="share of wrong hits, as the setting cache.risk")
    each = commands.add_parser("report")
    each.add_argument("--data", type=Path, required=True, help="folder of *-pairs.jsonl and *-stream.jsonl")
    each.add_argument("--json", action="store_true")
    each.add_argument("--embedder", default="auto", help="auto, sentence-transformers or onnx")
    return parser


if __name__ == "__main__":
    sys.exit(main())
