"""`claw doctor`: engines, models, key, GPU, disk, clock, terminal: each checked, each with what to do."""

import argparse
import asyncio
import sys

import msgspec

from backends.commands.examining import examine
from backends.commands.screen import shown
from backends.paths import Paths
from backends.settings.model import load
from backends.types import Check

MARKS = {True: "●", False: "○", None: "–"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """0 where nothing is wrong, else 1."""
    settings = load(Paths.find().config).settings
    checks = asyncio.run(examine(settings, Paths.find()))
    well = all(check.ok is not False for check in checks)
    if args.json:
        sys.stdout.write(msgspec.json.encode({"ok": well, "checks": checks}).decode() + "\n")
    else:
        for check in checks:
            for line in _lines(check):
                print(shown(line))
    return 0 if well else 1


def _lines(check: Check) -> list[str]:
    lines = [f"{MARKS[check.ok]} {check.name:<14} {check.detail}"]
    if check.remedy and check.ok is not True:
        lines.append(f"{'':<17}{check.remedy}")
    return lines
