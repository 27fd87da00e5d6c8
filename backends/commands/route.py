"""`claw route`: what was right about routing and what was wrong, and what that teaches; how well it does on a data set.

label   say of an answer that it was good or bad, or list the last ones
train   correct P(local answers well) and P(cloud answers well) by such words; the earlier state is kept
eval    measure the router on a folder of labelled prompts
"""

import argparse
import sys

from backends.commands import route_eval, route_label, route_train

PARTS = {
    "label": (route_label, "rate an answer as good or bad, or list the last ones"),
    "train": (route_train, "correct the expected quality by the ratings"),
    "eval": (route_eval, "measure the router on a folder of labelled prompts"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parts = parser.add_subparsers(dest="part", required=True, metavar="label|train|eval")
    for name, (module, help_) in PARTS.items():
        part = parts.add_parser(name, help=help_, description=help_[0].upper() + help_[1:] + ".")
        module.add_arguments(part)
        part.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    module, _ = PARTS[args.part]
    sys.stdout.write(module.run(args) + "\n")
    return 0
