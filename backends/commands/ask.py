"""`claw ask`: one answer, streamed, through the running core or one of its own."""

import argparse
import asyncio
import sys
from contextlib import aclosing

from backends.bootstrap.connect import open_core
from backends.commands.json_output import encoded, exit_code, outcome_as_json
from backends.commands.prompt_arguments import add_prompt, request_from
from backends.core.api import Core
from backends.engine_names import known_engine
from backends.paths import Paths
from backends.settings.loading import load
from backends.settings.model import Settings
from backends.text.terminal_safe import safe
from backends.types import Delta, Done, Outcome, Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_prompt(parser)
    parser.add_argument("--engine", metavar="NAME", default="auto", help="the engine to send it to, by name")
    parser.add_argument("--sensitive", action="store_true", help="keep it in the local zone")
    parser.add_argument("--no-cache", action="store_true", help="neither look up a stored answer nor store this one")


def run(args: argparse.Namespace) -> int:
    settings = load(Paths.find().config).settings
    engine = known_engine(args.engine, ("auto", *settings.engines))
    request = request_from(args, engine=engine, sensitive=args.sensitive, cache=not args.no_cache)
    return asyncio.run(_ask(request, settings, rehearse=args.rehearse, json=args.json))


async def _ask(request: Request, settings: Settings, *, rehearse: bool, json: bool) -> int:
    async with open_core(settings, rehearse=rehearse, purpose="one-shot") as opened:
        text, outcome = await _receive(opened.core, request, echo=not json)
    if json:
        sys.stdout.write(encoded(outcome_as_json(outcome, text)) + "\n")
    if outcome.error:
        print(f"claw: {safe(outcome.error)}", file=sys.stderr)
    elif outcome.finish == "blocked":
        notes = safe(", ".join(outcome.notes))
        print(f"claw: the engine blocked the answer ({notes}): rephrase it", file=sys.stderr)
    return exit_code(outcome)


class AnswerWriter:
    """Writes the pieces of an answer to stdout as they come: unchanged into a pipe, made harmless on a terminal."""

    def __init__(self) -> None:
        self._tty = sys.stdout.isatty()
        self._last = "\n"

    def write(self, text: str) -> None:
        if text:
            self._last = text[-1]
            sys.stdout.write(safe(text, newlines=True) if self._tty else text)
            sys.stdout.flush()

    def end(self) -> None:
        """A line break, where the answer has none at its end."""
        if self._last != "\n":
            sys.stdout.write("\n")
        sys.stdout.flush()


async def _receive(core: Core, request: Request, *, echo: bool) -> tuple[str, Outcome]:
    texts: list[str] = []
    writer = AnswerWriter() if echo else None
    async with aclosing(core.ask(request)) as chunks:
        async for chunk in chunks:
            match chunk:
                case Delta(text):
                    texts.append(text)
                    if writer:
                        writer.write(text)
                case Done(outcome):
                    if writer:
                        writer.end()
                    return "".join(texts), outcome
                case _:
                    pass
    raise AssertionError("an answer ends with Done")
