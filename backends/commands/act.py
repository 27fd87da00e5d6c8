"""`claw act`: an operator's action on the running core, written to its audit table."""

import argparse
import asyncio
import difflib
import getpass
import sys
from collections.abc import Sequence

import msgspec

from backends.commands.running_core import act
from backends.errors import WrongUse
from backends.text.terminal_safe import safe
from backends.types import Action

WORDS = {
    "stop-cloud": ((), "stop all cloud spend"),
    "resume-cloud": ((), "take that back"),
    "drain": (("ENGINE",), "keep new requests from an engine; what runs there ends, what waits moves where it may"),
    "undrain": (("ENGINE",), "take that back"),
    "pin": (("AGENT", "ENGINE"), "have one engine answer an agent"),
    "unpin": (("AGENT",), "take that back"),
    "pause": (("AGENT_OR_SESSION",), "refuse its requests; what runs ends"),
    "resume": (("AGENT_OR_SESSION",), "let it go on"),
    "cancel": (("ID",), "end a call"),
    "cancel-agent": (("AGENT",), "end all calls of an agent, those that wait included"),
    "undo": ((), "take back the last action of anyone, one more with each undo"),
    "acknowledge": (("ALERT",), "an alert has been seen, by its id or key"),
    "silence": (("ALERT", "MINUTES"), "say no more of an alert for a while, unless it becomes critical or ends"),
    "rate": (("ID", "VERDICT"), "an answer was good or bad"),
    "flush-cache": ((), "delete every stored answer"),
    "wrong-hit": (("ID",), "a request was answered wrongly from the cache"),
    "kill-entry": (("ID",), "delete one stored answer, by its entry"),
    "reload": ((), "use claw.toml as it is now"),
    "allow": (("AGENT", "ID"), "let the values of a privacy alert pass"),
    "redact": (("AGENT",), "send its private data with placeholders"),
    "keep-home": (("AGENT", "ID"), "keep it here, without the alert"),
    "withdraw": (("AGENT", "ID"), "take one of these three back; redact is an id, too"),
}
"""The words that each action takes, and what it does."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    forms = {" ".join((verb, *words)): said for verb, (words, said) in WORDS.items()}
    width = max(map(len, forms))
    parser.epilog = "\n".join(("actions:", *(f"  {form:<{width}}  {said}" for form, said in forms.items())))
    parser.add_argument("verb", metavar="ACTION", help="what to do, see below")
    parser.add_argument("words", nargs="*", metavar="WORD", help="what to do it with")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit table and whoever wonders")
    parser.add_argument("--rehearse", action="store_true", help="act on the core in rehearsal")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    flag = " --rehearse" if args.rehearse else ""
    remedy = f"start one with `claw serve{flag}` or `claw{flag}`"
    action = _action(args.verb, args.words, reason=args.reason)
    acted = asyncio.run(act(action, rehearse=args.rehearse, remedy=remedy))
    if args.json:
        sys.stdout.write(msgspec.json.encode(acted).decode() + "\n")
    else:
        print(safe(acted.detail))
    return 0


def _action(verb: str, words: Sequence[str], *, reason: str | None) -> Action:
    if verb not in WORDS:
        nearest = difflib.get_close_matches(verb, WORDS, n=1, cutoff=0.0)[0]
        raise WrongUse(f"there is no action {verb[:64]!r}: the nearest is {nearest}; `claw act --help` lists them")
    wanted, _ = WORDS[verb]
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
            "id": given.get("ID", given.get("AGENT_OR_SESSION", given.get("ALERT"))),
            "minutes": _minutes(given["MINUTES"]) if "MINUTES" in given else None,
            "good": given["VERDICT"] == "good" if "VERDICT" in given else None,
            "reason": reason,
        },
        Action,
    )


def _minutes(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise WrongUse(f"{text[:32]!r} is no number of minutes: use 30, or .5") from None
