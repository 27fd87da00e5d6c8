"""What `ask` and `explain` share: a prompt from the command line or stdin, as a Request."""

import argparse
import sys

from backends.errors import WrongUse
from backends.identity import new_id
from backends.types import Message, Request, Route


def add_prompt(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """With `optional`, something else may say what is asked."""
    parser.add_argument("prompt", metavar="PROMPT", nargs="?" if optional else None, help="the prompt; - reads stdin")
    parser.add_argument("--agent", metavar="A", help="the agent that asks")
    parser.add_argument("--tag", metavar="WORD", help="a label for reports by tag")
    parser.add_argument(
        "--deadline",
        type=_seconds,
        metavar="SECONDS",
        help="time limit for the whole answer",
    )
    parser.add_argument("--rehearse", action="store_true", help="use simulated engines and a ledger of their own")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def request_from(
    args: argparse.Namespace, *, engine: Route = "auto", sensitive: bool = False, cache: bool = True
) -> Request:
    """The prompt as one user message. Raises WrongUse where it is not UTF-8."""
    text = _stdin() if args.prompt == "-" else _argument(args.prompt)
    return Request(
        id=new_id(),
        agent=args.agent or "default",
        messages=(Message(role="user", text=text),),
        engine=engine,
        sensitive=sensitive,
        cache=cache,
        tag=args.tag,
        timeout_s=args.deadline,
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0 seconds")
    return seconds


def _stdin() -> str:
    if sys.stdin is None:
        raise WrongUse("there is no stdin to read the prompt from: pass it as an argument, or pipe it in")
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise WrongUse("the prompt on stdin is not UTF-8 text: convert it first, for example with iconv") from None


def _argument(text: str) -> str:
    """Python passes bytes that are not UTF-8 as lone surrogates, which no engine and no ledger accepts."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise WrongUse("the prompt is not UTF-8 text: convert it first, for example with iconv") from None
    return text
