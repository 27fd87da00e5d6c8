"""`claw cache stats|flush`: what is stored, what it answered, and forgetting it."""

import argparse
import asyncio
import getpass
import sqlite3
import sys
from pathlib import Path

import msgspec

from backends import settings
from backends.commands.screen import shown
from backends.errors import ClawError, Unreachable
from backends.opening import attach
from backends.paths import Paths
from backends.types import Acted, Action, CacheStats


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=("stats", "flush"), help="show figures, or forget stored answers")
    parser.add_argument("--agent", metavar="A", help="flush only what this agent asked")
    parser.add_argument("--rehearse", action="store_true", help="the rehearsal's cache")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    paths = Paths.find(rehearsal=args.rehearse)
    text = _stats(paths, as_json=args.json) if args.verb == "stats" else _flush(paths, args.agent, as_json=args.json)
    sys.stdout.write(text + "\n")
    return 0


def _stats(paths: Paths, *, as_json: bool) -> str:
    try:
        stats, running = asyncio.run(_running_stats(paths.socket)), True
    except Unreachable:
        entries, size = _file_totals(paths.cache)
        stats, running = CacheStats(entries=entries, bytes=size), False
    if as_json:
        facts = {
            "running": running,
            **msgspec.to_builtins(stats, builtin_types=()),
            "saved_usd": f"{stats.saved_usd:f}",
        }
        return msgspec.json.encode(facts).decode()
    return "\n".join(_lines(stats, running=running))


def _lines(stats: CacheStats, *, running: bool) -> list[str]:
    lines = [f"entries    {stats.entries}", f"bytes      {stats.bytes}"]
    if not running:
        return [*lines, "no core is running here: hits and savings are counted while one runs"]
    hits = stats.exact_hits + stats.semantic_hits
    share = f" ({hits / stats.lookups:.0%})" if stats.lookups else ""
    lines += [
        f"look-ups   {stats.lookups}",
        f"hits       {hits}{share}: {stats.exact_hits} exact, {stats.semantic_hits} semantic",
        f"shared     {stats.shared_flights} joined a call in flight",
        f"saved      ${stats.saved_usd:f}",
        f"semantic   {stats.semantic} {shown(stats.semantic_detail)}".rstrip(),
    ]
    lines += [f"near miss  {shown(miss)}" for miss in stats.near_misses]
    return lines + ([f"problem    {shown(stats.problem)}"] if stats.problem else [])


async def _running_stats(socket: Path) -> CacheStats:
    async with attach(str(socket)) as opened:
        return (await opened.core.snapshot()).cache


def _file_totals(path: Path) -> tuple[int, int]:
    from backends.cache import file

    try:
        return file.totals(path)
    except sqlite3.Error as error:
        raise ClawError(f"the cache at {path} cannot be read ({error}): `claw cache flush` begins it anew") from None


def _flush(paths: Paths, agent: str | None, *, as_json: bool) -> str:
    try:
        detail = asyncio.run(_running_flush(paths.socket, agent)).detail
    except Unreachable:
        gone = _flush_file(paths, agent)
        detail = f"{gone} stored answers were forgotten"
    return msgspec.json.encode({"detail": detail}).decode() if as_json else shown(detail)


async def _running_flush(socket: Path, agent: str | None) -> Acted:
    action = Action(verb="flush-cache", actor=f"cli:{getpass.getuser()}", agent=agent)
    async with attach(str(socket)) as opened:
        return await opened.core.act(action)


def _flush_file(paths: Paths, agent: str | None) -> int:
    from backends.cache.database import Database

    if not paths.cache.exists():
        return 0
    limit = settings.load(paths.config).settings.cache.max_bytes
    try:
        database = Database(paths.cache, max_bytes=limit)
        try:
            return len(database.flush(agent))
        finally:
            database.close()
    except (sqlite3.Error, OSError) as error:
        raise ClawError(f"the cache at {paths.cache} cannot be flushed ({error}): delete the file") from None
