"""`claw doctor`: checks engines, models, key, ledger, GPU, disk, clock and terminal, with a remedy for each fault."""

import argparse
import asyncio
import sys
from functools import partial

from backends.commands.doctor_agents import check_agents, check_keys
from backends.commands.doctor_ledger import check_ledger
from backends.commands.doctor_machine import check_machine
from backends.commands.doctor_models import check_models
from backends.commands.json_output import encoded
from backends.engines.engine_checks import check
from backends.paths import Paths
from backends.settings.engines import read_keys
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.telemetry.memory import machine_memory
from backends.text.terminal_safe import safe
from backends.types import Check

MARKS = {True: "●", False: "○", None: "–"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """0 where nothing is wrong, else 1."""
    settings = load(Paths.find().config).settings
    checks = asyncio.run(run_checks(settings, Paths.find()))
    well = all(check.ok is not False for check in checks)
    if args.json:
        sys.stdout.write(encoded({"ok": well, "checks": checks}) + "\n")
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            for line in _lines(check, width):
                print(safe(line))
    return 0 if well else 1


async def run_checks(settings: Settings, paths: Paths) -> tuple[Check, ...]:
    """Engines first, then their models, the agents, the core with its ledger, then this machine.

    Never raises for what it finds.
    """
    memory = partial(machine_memory, gpu=settings.telemetry.gpu)
    engines = await check(settings, read_keys(settings.engines), memory=memory)
    models = await asyncio.to_thread(check_models, settings, paths)
    keys = await asyncio.to_thread(check_keys, settings, paths)
    agents = await asyncio.to_thread(check_agents, settings, paths)
    return *engines, *models, keys, *agents, *await check_ledger(paths), *await check_machine(settings, paths)


def _lines(check: Check, width: int) -> list[str]:
    lines = [f"{MARKS[check.ok]} {check.name:<{width}} {check.detail}"]
    if check.remedy and check.ok is not True:
        lines.append(f"{'':<{width + 3}}{check.remedy}")
    return lines
