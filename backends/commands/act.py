"""`claw act`: an operator's action on the running core, written to its audit table."""

import argparse
import asyncio
import difflib
import getpass
import re
import sys
from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from backends.commands.json_output import encoded
from backends.commands.running_core import act
from backends.errors import WrongUse
from backends.text.terminal_safe import safe
from backends.text.usd import parse_usd
from backends.types import Action

WORDS: dict[str, tuple[tuple[str, ...], str]] = {
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
    "load": (("ENGINE", "[MODEL]"), "bring a model into the memory of an Ollama; its own where none is named"),
    "warm": (("ENGINE", "[MODEL]"), "load it and have it write one token, so that the next call finds all ready"),
    "unload": (("ENGINE", "[MODEL]"), "take it out of memory once no call uses it"),
    "adopt": (
        ("ENGINE", "[MODEL]"),
        "ask for another model, by default the successor; it is written to claw.toml",
    ),
    "set": (("KEY", "VALUE"), "set a setting beside claw.toml, as agents.writer.policy local; --for 60m falls back"),
    "unset": (("KEY",), "take that back"),
    "set-budget": (("SCOPE", "WINDOW", "USD"), "limit a budget, as all day 2.50; default is claw.toml's limit"),
    "undo": ((), "take back the last action of anyone, one more with each undo"),
    "rate": (("ID", "VERDICT"), "an answer was good or bad"),
    "flush-cache": ((), "delete every stored answer"),
    "wrong-hit": (("ID",), "a request was answered wrongly from the cache"),
    "kill-entry": (("ID",), "delete one stored answer, by its entry"),
    "acknowledge": (("ALERT",), "an alert has been seen, by its id or key"),
    "silence": (("ALERT", "MINUTES"), "say no more of an alert for a while, unless it becomes critical or ends"),
    "reload": ((), "use claw.toml as it is now"),
    "allow": (("AGENT", "ID"), "let the values of a privacy alert pass"),
    "redact": (("AGENT",), "send its private data with placeholders"),
    "keep-home": (("AGENT", "ID"), "keep it here, without the alert"),
    "withdraw": (("AGENT", "ID"), "take one of these three back; redact is an id, too"),
}
"""The words that each action takes, and what it does."""

FIELDS = {
    "AGENT": "agent",
    "ENGINE": "engine",
    "ID": "id",
    "AGENT_OR_SESSION": "id",
    "ALERT": "id",
    "[MODEL]": "model",
    "KEY": "key",
    "VALUE": "value",
    "SCOPE": "scope",
    "WINDOW": "window",
}
"""The field of an Action that a word fills."""

FOR_A_WHILE = frozenset({"set", "set-budget"})
TIME = re.compile(r"(\d+(?:\.\d+)?) ?(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)?")
MINUTES = {"s": 1 / 60, "m": 1.0, "h": 60.0, "d": 1440.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    forms = {" ".join((verb, *words)): said for verb, (words, said) in WORDS.items()}
    width = max(map(len, forms))
    parser.epilog = "\n".join(("actions:", *(f"  {form:<{width}}  {said}" for form, said in forms.items())))
    parser.add_argument("verb", metavar="ACTION", help="what to do, see below")
    parser.add_argument("words", nargs="*", metavar="WORD", help="what to do it with")
    parser.add_argument("--for", dest="span", metavar="TIME", help="fall back after that time: 60m, 2h, 1d")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the audit table and whoever wonders")
    parser.add_argument("--yes", action="store_true", help="set also what lets more private data leave this machine")
    parser.add_argument("--rehearse", action="store_true", help="act on the core in rehearsal")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    flag = " --rehearse" if args.rehearse else ""
    remedy = f"start one with `claw serve{flag}` or `claw{flag}`"
    action = action_of(args.verb, args.words, span=args.span, reason=args.reason)
    if args.yes:
        action = replace(action, confirmed=True)
    acted = asyncio.run(act(action, rehearse=args.rehearse, remedy=remedy))
    if args.json:
        sys.stdout.write(encoded(acted) + "\n")
    else:
        print(safe(acted.detail))
    return 0


def action_of(verb: str, words: Sequence[str], *, span: str | None = None, reason: str | None = None) -> Action:
    """The action that the words say. A time may stand behind them: `set router.dial .6 for 60 min`. Raises WrongUse."""
    if verb not in WORDS:
        nearest = difflib.get_close_matches(verb, WORDS, n=1, cutoff=0.0)[0]
        raise WrongUse(f"there is no action {verb[:64]!r}: the nearest is {nearest}; `claw act --help` lists them")
    if verb in FOR_A_WHILE and "for" in words:
        words, span = words[: words.index("for")], " ".join(words[words.index("for") + 1 :])
    if span is not None and verb not in FOR_A_WHILE:
        raise WrongUse(f"{verb} holds until it is taken back: only {' and '.join(sorted(FOR_A_WHILE))} take a time")
    wanted, _ = WORDS[verb]
    least = sum(not word.startswith("[") for word in wanted)
    if not least <= len(words) <= len(wanted):
        words_wanted = "1 word" if len(wanted) == 1 else f"{len(wanted) or 'no'} words"
        raise WrongUse(f"{verb} takes {words_wanted}: use `claw act {' '.join((verb, *wanted))}`")
    given = dict(zip(wanted, words, strict=False))
    fields: dict[str, object] = {FIELDS[word]: text for word, text in given.items() if word in FIELDS}
    if "VERDICT" in given:
        fields["good"] = _is_good(given["VERDICT"])
    if "USD" in given:
        fields["limit_usd"] = _usd(given["USD"])
    if "MINUTES" in given:
        fields["minutes"] = minutes(given["MINUTES"])
    if span is not None:
        fields["minutes"] = minutes(span)
    actor = f"cli:{getpass.getuser()}"
    return msgspec.convert({"verb": verb, "actor": actor, "reason": reason, **fields}, Action)


def minutes(text: str) -> float:
    """A time as people write it, in minutes: `60m`, `90 min`, `2h`, `1d`; without a unit it is minutes."""
    found = TIME.fullmatch(text.strip())
    if found is None:
        raise WrongUse(f"{text[:40]!r} is not a time: use 60m, 2h or 1d")
    return float(found[1]) * MINUTES[(found[2] or "m")[0]]


def _usd(text: str) -> Decimal | None:
    try:
        return None if text == "default" else parse_usd(text)
    except ValueError as error:
        raise WrongUse(f"{error}; default is claw.toml's limit") from None


def _is_good(verdict: str) -> bool:
    if verdict not in ("good", "bad"):
        raise WrongUse(f"{verdict!r} is no rating: use good or bad")
    return verdict == "good"
