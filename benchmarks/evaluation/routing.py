"""How well, and how fast, does the router decide?

    python -m benchmarks.evaluation.routing eval --data DIR [--json]   intents, privacy, and routing by cross-validation
    python -m benchmarks.evaluation.routing speed [--json]             time, as multiples of hashing the prompt
    python -m benchmarks.evaluation.routing score [--train FILE] [--answers] --test FILE --weak MODEL
        --strong MODEL --out FILE                                      a line {"id", "score"} for each row

A higher score needs the strong model more. The files are gzipped JSON lines. DIR is a folder of labelled rows in the
form that its own README describes. Random scores and prompt length are shown beside each routing figure.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.evaluation import routing_score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    questions = parser.add_subparsers(dest="question", required=True)
    asked = questions.add_parser("eval")
    asked.add_argument("--data", type=Path, required=True)
    for each in (asked, questions.add_parser("speed")):
        each.add_argument("--json", action="store_true")
    routing_score.add_arguments(questions.add_parser("score"))
    given = parser.parse_args()
    if given.question == "score":
        sys.exit(routing_score.run(given))
    from benchmarks.evaluation.routing_report import evaluate
    from benchmarks.evaluation.routing_speed import speed

    figures = evaluate(given.data) if given.question == "eval" else speed()
    print(json.dumps(figures, indent=2) if given.json else table(figures))


def table(figures: dict[str, dict[str, Any]]) -> str:
    """A line for each measured thing, its figures behind it."""
    width = max(map(len, figures))
    return "\n".join(
        f"{name:<{width}}  " + "  ".join(f"{label} {value}" for label, value in row.items())
        for name, row in figures.items()
    )


if __name__ == "__main__":
    main()
