"""`claw ask`: one answer, streamed, through the running core or one of its own."""

import argparse
import asyncio
import sys
from contextlib import aclosing

import msgspec

from backends.bootstrap.connect import open_core
from backends.commands.answer import as_json, exit_code
from backends.commands.prompt import add_prompt, request_from
from backends.commands.screen import Screen, shown
from backends.core.api import Core
from backends.paths import Paths
from backends.settings.model import load
from backends.types import Delta, Done, Outcome, Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_prompt(parser)
    parser.add_argument("--engine", choices=("auto", "local", "cloud"), default="auto", help="where to send it")
    parser.add_argument("--sensitive", action="store_true", help="keep it on this machine")
    parser.add_argument("--no-cache", action="store_true", help="neither look it up nor store the answer")


def run(args: argparse.Namespace) -> int:
    request = request_from(args, engine=args.engine, sensitive=args.sensitive, cache=not args.no_cache)
    return asyncio.run(_ask(request, rehearse=args.rehearse, json=args.json))


async def _ask(request: Request, *, rehearse: bool, json: bool) -> int:
    settings = load(Paths.find().config).settings
    async with open_core(settings, rehearse=rehearse, one_shot=True) as opened:
        text, outcome = await _hear(opened.core, request, echo=not json)
    if json:
        sys.stdout.write(msgspec.json.encode(as_json(outcome, text)).decode() + "\n")
    if outcome.error:
        print(f"claw: {shown(outcome.error)}", file=sys.stderr)
    elif outcome.finish == "blocked":
        print(f"claw: the engine blocked the answer ({shown(', '.join(outcome.notes))}): rephrase it", file=sys.stderr)
    return exit_code(outcome)


async def _hear(core: Core, request: Request, *, echo: bool) -> tuple[str, Outcome]:
    texts: list[str] = []
    screen = Screen() if echo else None
    async with aclosing(core.ask(request)) as chunks:
        async for chunk in chunks:
            match chunk:
                case Delta(text):
                    texts.append(text)
                    if screen:
                        screen.write(text)
                case Done(outcome):
                    if screen:
                        screen.end()
                    return "".join(texts), outcome
                case _:
                    pass
    raise AssertionError("an answer ends with Done")
