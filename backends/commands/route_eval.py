"""`claw route eval`: the router's figures on a folder of labelled prompts, with random, length and the dial as set."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from backends.commands.json_output import encoded
from backends.commands.route_label import table
from backends.paths import Paths
from backends.settings.loading import load
from backends.text.terminal_safe import safe

if TYPE_CHECKING:
    from backends.routing.evaluate import Figure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="its .jsonl and .jsonl.gz files: lines with a prompt, and labels (model to 0..1), intent or sensitive",
    )
    parser.add_argument("--dataset", metavar="D", help="only this file of it, by its name up to .jsonl")
    parser.add_argument(
        "--by-kind", action="store_true", help="the privacy gate's figures also by kind of row and of finding"
    )


def run(args: argparse.Namespace) -> str:
    from backends.routing.classify.classifier import Classifier
    from backends.routing.evaluate import TRAINED_ON, DialSetting, datasets, evaluate
    from backends.routing.quality.dial import Dial

    classifier, router = Classifier.load(), load(Paths.find().config).settings.router
    setting = DialSetting(dial=router.dial, by=router.dial_by, scale=Dial.load())
    figures = [
        figure
        for each in datasets(args.data, args.dataset)
        for figure in evaluate(each, classifier, setting, by_kind=args.by_kind)
    ]
    if args.json:
        facts = {"weights": classifier.version, "trained_on": TRAINED_ON, "figures": [*map(_as_json, figures)]}
        return encoded(facts)
    rows = [("set", "of", "measure", "rows", "value", "95 %"), *map(_cells, figures)]
    notes = [f"weights {classifier.version}, as shipped"]
    if not figures:
        notes.insert(0, "nothing to measure: routing takes two rows or more, and a cloud that answers better")
    if seen := sorted({figure.dataset for figure in figures}.intersection(TRAINED_ON)):
        notes.append(f"trained on rows of {', '.join(seen)}: on those rows they say nothing of prompts not seen before")
    return "\n".join([*table(rows), *notes])


def _cells(figure: "Figure") -> tuple[str, ...]:
    span = "–" if figure.low is None or figure.high is None else f"{figure.low:.3f}–{figure.high:.3f}"
    return safe(figure.dataset), safe(figure.of), figure.measure, f"{figure.rows}", f"{figure.value:.3f}", span


def _as_json(figure: "Figure") -> dict[str, Any]:
    facts = msgspec.structs.asdict(figure)
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in facts.items()}
