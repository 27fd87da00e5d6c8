"""`claw act`: an operator's action on the running core, written to its audit table."""

import argparse
import asyncio
import getpass
import sys

import msgspec

from backends.bootstrap.connect import attach
from backends.errors import Unreachable, WrongUse
from backends.paths import Paths
from backends.text.terminal_safe import safe
from backends.types import Acted, Action

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
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=tuple(WORDS), help="what to do")
    parser.add_argument(
        "words", nargs="*", metavar="WORD", help="pin AGENT ENGINE, unpin AGENT, cancel ID, rate ID good|bad"
    )
    parser.add_argument("--rehearse", action="store_true", help="act on the core in rehearsal")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    acted = asyncio.run(_act(_action(args.verb, args.words), rehearse=args.rehearse))
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
            "id": given.get("ID"),
            "good": given["VERDICT"] == "good" if "VERDICT" in given else None,
        },
        Action,
    )


async def _act(action: Action, *, rehearse: bool) -> Acted:
    socket = Paths.find(rehearsal=rehearse).socket
    try:
        async with attach(str(socket)) as opened:
            return await opened.core.act(action)
    except Unreachable:
        flag = " --rehearse" if rehearse else ""
        raise Unreachable(f"no core is running here: start one with `claw serve{flag}` or `claw{flag}`") from None
