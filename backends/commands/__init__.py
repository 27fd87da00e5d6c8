"""One-shot commands: a file each, imported only when it is the one that was asked for.

A command's module has `add_arguments(parser)` and `run(args) -> int`; it may raise ClawError, which becomes one line
on stderr and the error's exit code.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from backends.errors import ClawError, WrongUse
from backends.harmless import harmless

COMMANDS = {
    "serve": "run the core without a screen, with its gateway",
    "ask": "send one prompt and stream the answer",
    "explain": "show where a prompt would go, and why, without sending it",
    "act": "stop cloud spend, pin an agent, cancel a call, flush the cache",
    "report": "spend, savings and waste",
    "budget": "budgets: limit, spent, reserved, left",
    "cache": "look at the cache or flush it",
    "ledger": "verify, export or back up the ledger",
    "config": "show the settings in force, or write a commented file",
    "doctor": "check engines, models, key, GPU, disk, clock and terminal",
}


def main(argv: Sequence[str]) -> int:
    """Run `argv`, whose first word is a command's name. Returns the exit code; never raises for a person's mistake."""
    name, *rest = argv
    module = importlib.import_module(f"backends.commands.{name}")
    parser = Parser(prog=f"claw {name}", description=COMMANDS[name][0].upper() + COMMANDS[name][1:] + ".")
    module.add_arguments(parser)
    try:
        return int(module.run(parser.parse_args(rest)))
    except ClawError as error:
        print(f"claw: {harmless(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away; closing stdout again at exit must not raise a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


class Parser(argparse.ArgumentParser):
    """argparse whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise WrongUse(f"{message}: see `{self.prog} --help`")
