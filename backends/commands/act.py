"""`claw act`: an operator's action on the running core, written to its audit table."""

import argparse
import asyncio
import getpass
import sys

import msgspec

from backends.commands.running_core import act
from backends.errors import WrongUse
from backends.text.terminal_safe import safe
from backends.types import Action

WORDS = {
    "stop-cloud": (),
    "resume-cloud": (),
    "pin": ("AGENT", "ENGINE"),
    "unpin": ("AGENT",),
    "cancel": ("ID",),
    "flush-cache": (),
    "wrong-hit": ("ID",),
    "kill-entry": ("ID",),
    "rate": ("ID", "VERDICT"),
    "reload": (),
    "pause": ("AGENT_OR_SESSION",),
    "resume": ("AGENT_OR_SESSION",),
    "allow": ("AGENT", "ID"),
    "redact": ("AGENT",),
    "keep-home": ("AGENT", "ID"),
    "withdraw": ("AGENT", "ID"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=tuple(WORDS), help="what to do")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="pin AGENT ENGINE, unpin AGENT, pause AGENT_OR_SESSION, resume AGENT_OR_SESSION, cancel ID, wrong-hit ID, "
        "rate ID good|bad, kill-entry ID (an entry's), allow AGENT ID, redact AGENT, keep-home AGENT ID (a privacy "
        "alert's), withdraw AGENT ID|redact",
    )
    parser.add_argument("--rehearse", action="store_true", help="act on the core in rehearsal")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    flag = " --rehearse" if args.rehearse else ""
    remedy = f"start one with `claw serve{flag}` or `claw{flag}`"
    acted = asyncio.run(act(_action(args.verb, args.words), rehearse=args.rehearse, remedy=remedy))
    if args.json:
        sys.stdout.write(msgspec.json.encode(acted).decode() + "\n")
    else:
        print(safe(acted.detail))
    return 0


def _action(verb: str, words: list[str]) -> Action:
    wanted = WORDS[verb]
    if len(words) != len(wanted):
        words_wanted = "1 word" if len(wanted) == 1 else f"{len(wanted) or 'no'} words"
        raise WrongUse(f"{verb} takes {words_wanted}: use `claw act {' '.join((verb, *wanted))}`")
    given = dict(zip(wanted, words, strict=True))
    if given.get("VERDICT", "good") not in ("good", "bad"):
        raise WrongUse(f"{given['VERDICT']!r} is no rating: use good or bad")
    return msgspec.convert(
        {
            "verb": verb,
            "actor": f"cli:{getpass.getuser()}",
            "agent": given.get("AGENT"),
            "engine": given.get("ENGINE"),
            "id": given.get("ID", given.get("AGENT_OR_SESSION")),
            "good": given["VERDICT"] == "good" if "VERDICT" in given else None,
        },
        Action,
    )
