"""`claw route label`: an operator's word on an answer, kept in the ledger; with --list the last answers to judge."""

import argparse
import asyncio
import getpass
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backends.bootstrap.connect import open_core
from backends.commands.json_output import encoded
from backends.errors import WrongUse
from backends.paths import Paths
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.text.terminal_safe import safe
from backends.types import INTENTS, Acted, Action

if TYPE_CHECKING:
    from backends.ledger.answer_ratings import AnsweredRequest

COLUMNS = ("id", "when", "agent", "intent", "by", "verdict")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help="the request's id, as `claw ask --json` prints it")
    parser.add_argument("verdict", nargs="?", choices=("good", "bad"), help="how the answer was")
    parser.add_argument("--engine", metavar="NAME", help="the engine that would have been better")
    parser.add_argument("--intent", choices=INTENTS, metavar="I", help="the intent that the prompt really had")
    parser.add_argument("--note", metavar="TEXT", help="a note of yours; it is stored, so leave the prompt's text out")
    parser.add_argument("--list", action="store_true", help="show the last answers, newest first")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many of them to list (20)")
    parser.add_argument("--rehearse", action="store_true", help="answers of the rehearsal")


def run(args: argparse.Namespace) -> str:
    if args.list:
        return _list(args)
    if args.id is None or args.verdict is None:
        raise WrongUse("say which answer and how it was, as `claw route label ID good`; `--list` shows the last ones")
    settings = load(Paths.find().config).settings
    if args.engine is not None and args.engine not in settings.engines:
        raise WrongUse(f"there is no engine {args.engine!r}: use one of {', '.join(settings.engines)}")
    action = Action(
        verb="rate",
        actor=f"cli:{getpass.getuser()}",
        id=args.id,
        good=args.verdict == "good",
        engine=args.engine,
        intent=args.intent,
        note=args.note,
    )
    acted = asyncio.run(_act(action, settings, rehearse=args.rehearse))
    return encoded(acted) if args.json else safe(acted.detail)


async def _act(action: Action, settings: Settings, *, rehearse: bool) -> Acted:
    """By the running core, which holds the ledger; by one of our own where none runs."""
    async with open_core(settings, rehearse=rehearse, purpose="one-shot") as opened:
        return await opened.core.act(action)


def _list(args: argparse.Namespace) -> str:
    from backends.ledger.answer_ratings import answered_requests
    from backends.ledger.sqlite_connection import open_read_only

    if args.limit < 1:
        raise WrongUse("--limit must be 1 or more")
    with open_read_only(Paths.find(rehearsal=args.rehearse).ledger) as db:
        rows = answered_requests(db, limit=args.limit)
    if args.json:
        return encoded({"answers": [_as_json(row) for row in rows]})
    if not rows:
        return "nothing was answered yet: what `claw ask`, the chat and the gateway answer is listed here"
    return "\n".join(table([COLUMNS, *map(_cells, rows)]))


def _cells(row: "AnsweredRequest") -> tuple[str, ...]:
    verdict = " ".join(
        filter(None, (row.verdict, row.better_engine and f"better {row.better_engine}", row.right_intent))
    )
    asked = safe(row.id), f"{row.at:%m-%d %H:%M:%S}", safe(row.agent), safe(row.intent)
    return *asked, row.engine, verdict or "–"


def _as_json(row: "AnsweredRequest") -> dict[str, Any]:
    return {
        "id": row.id,
        "started_at": row.at,
        "agent": row.agent,
        "intent": row.intent,
        "engine": row.engine,
        "p_local": row.p_local,
        "p_cloud": row.p_cloud,
        "weights": row.weights,
        "verdict": row.verdict,
        "better_engine": row.better_engine,
        "right_intent": row.right_intent,
    }


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns as wide as they need, two blanks between them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
