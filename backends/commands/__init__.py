"""One-shot commands: a file each, imported only when it is the one to run.

A command's module has `add_arguments(parser)` and `run(args) -> int`; it may raise ClawError, which becomes one line
on stderr and the error's exit code.
"""

import argparse
import contextlib
import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from backends.errors import ClawError, WrongUse
from backends.text.terminal_safe import safe

COMMANDS = {
    "serve": "run the core without a screen, with its gateway",
    "ask": "send one prompt and stream the answer",
    "explain": "show where a prompt would go, and why, without sending it",
    "act": "stop cloud spend, drain an engine, pin or pause an agent, cancel calls, undo",
    "route": "rate answers, calibrate the router from ratings, measure it",
    "status": "one line on how the running core is, with an exit code: for tmux, prompts and cron",
    "watch": "print what happens in the running core, a line each: alerts, failures, actions, health, money",
    "incident": "what happened: list incidents, show one, or report on a span",
    "notify": "who is told of alerts; send one of them a test",
    "report": "spend, savings and waste",
    "budget": "budgets: limit, spent, reserved, left; change a limit",
    "cache": "show, export or delete stored answers",
    "ledger": "verify, export or back up the ledger, compare a bill with it",
    "privacy": "show where the privacy gate sees something in a request, without showing it",
    "key": "make, list, rotate and revoke the keys that agents show at the gateway",
    "config": "show or change the settings, or write a commented file",
    "rehearse": "start a simulated incident in the rehearsal that runs, end all, or list them",
    "prove": "play crashes, outages and a full disk around a core of its own, and check what must hold",
    "doctor": "check engines, models, key, GPU, disk, clock and terminal",
}


def main(argv: Sequence[str]) -> int:
    """Run `argv`, whose first word is a command's name. Returns the exit code, also for a user's mistake."""
    name, *rest = argv
    module = importlib.import_module(f"backends.commands.{name}")
    parser = Parser(prog=f"claw {name}", description=COMMANDS[name][0].upper() + COMMANDS[name][1:] + ".")
    module.add_arguments(parser)
    _write_any_text()
    try:
        return _run(module, _parsed(parser, rest))
    except ClawError as error:
        print(f"claw: {safe(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Nobody reads stdout any more; closing it again at exit must not raise a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        with contextlib.suppress(OSError):
            sys.stdout.close()  # its buffer would be written, and fail, again at exit, with a status of its own
        if error.errno != errno.ENOSPC:
            raise
        print("claw: no space left on the disk: free some, then run this again", file=sys.stderr)
        return 1


def _run(module: ModuleType, args: argparse.Namespace) -> int:
    """Run it, and flush its output here, where a failed write can still be reported."""
    code = int(module.run(args))
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _parsed(parser: "Parser", words: Sequence[str]) -> argparse.Namespace:
    """Options may also stand between a command's words: `claw ledger export --rehearse FILE`."""
    try:
        return parser.parse_args(words)
    except WrongUse as error:
        if "--" in words:
            raise
        try:
            return parser.parse_intermixed_args(words)
        except TypeError:  # argparse's word for a command with sub-commands
            raise error from None


def _write_any_text() -> None:
    """Print ? for a character that the locale lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise WrongUse(f"{message}: see `{self.prog} --help`")
