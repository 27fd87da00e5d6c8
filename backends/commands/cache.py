"""`claw cache`: what is stored, how often it answered, and flushing it."""

import argparse
import asyncio
import getpass
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backends.bootstrap.connect import attach
from backends.commands.json_output import encoded
from backends.errors import ClawError, Unreachable, WrongUse
from backends.paths import Paths
from backends.settings.loading import load
from backends.text.measures import count, share
from backends.text.terminal_safe import safe
from backends.types import Acted, Action, CacheStats, PrefixUse

if TYPE_CHECKING:
    from backends.cache.database import Database

TAKES = {"stats": "", "flush": "", "inspect": "[ENTRY]", "export": "FILE", "kill": "ENTRY"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "verb",
        choices=tuple(TAKES),
        help="stats: show figures; flush: delete all answers; inspect: list them, or show one; export: write them as"
        " JSON lines; kill: delete one",
    )
    parser.add_argument("target", nargs="?", metavar="ENTRY|FILE", help="an entry's id, or the file export writes")
    parser.add_argument("--agent", metavar="A", help="only what this agent asked (flush, inspect, export)")
    parser.add_argument("--bodies", action="store_true", help="export questions and answers too")
    parser.add_argument("--rehearse", action="store_true", help="the rehearsal's cache")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    paths, verb = Paths.find(rehearsal=args.rehearse), args.verb
    takes = TAKES[verb]
    if args.target is None and takes in ("FILE", "ENTRY"):
        raise WrongUse(f"`claw cache {verb}` needs the {takes.lower()}: use `claw cache {verb} {takes}`")
    if args.target is not None and not takes:
        raise WrongUse(f"`claw cache {verb}` takes no further argument: remove {safe(args.target)}")
    text = _text(verb, paths, args)
    sys.stdout.write(text + "\n" if text else "")
    return 0


def _text(verb: str, paths: Paths, args: argparse.Namespace) -> str:
    from backends.commands import cache_entries

    match verb:
        case "stats":
            return _stats(paths, as_json=args.json)
        case "inspect":
            return cache_entries.inspect(paths, args.target, args.agent, as_json=args.json)
        case "export":
            return cache_entries.export(paths, Path(args.target), args.agent, bodies=args.bodies)
        case "kill":
            detail = _kill(paths, args.target)
        case _:
            detail = _flush(paths, args.agent)
    return encoded({"detail": detail}) if args.json else safe(detail)


def _stats(paths: Paths, *, as_json: bool) -> str:
    try:
        stats, running = asyncio.run(_running_stats(paths.socket)), True
    except Unreachable:
        entries, size = _file_totals(paths.cache)
        stats, running = CacheStats(entries=entries, bytes=size), False
    if as_json:
        facts = {"running": running, **msgspec.to_builtins(stats, builtin_types=())}
        money = {name: f"{getattr(stats, name):f}" for name in ("saved_usd", "rechecked_usd", "provider_saved_usd")}
        shares = {"prefix_share": stats.prefix.share, "hits": stats.hits, "hit_share": stats.hit_share}
        return encoded(facts | money | shares)
    return "\n".join(stats_lines(stats, running=running))


def stats_lines(stats: CacheStats, *, running: bool) -> list[str]:
    lines = [f"entries    {stats.entries}", f"bytes      {stats.bytes}"]
    if not running:
        return [*lines, "No core is running: hits and savings are counted while one runs."]
    hit_share = f" ({share(stats.hits, stats.lookups)})" if stats.lookups else ""
    lines += [
        f"memory     {stats.memory_b} bytes, {stats.vectors} vectors",
        f"look-ups   {stats.lookups}",
        f"hits       {stats.hits}{hit_share}: {stats.exact_hits} exact, {stats.semantic_hits} semantic,"
        f" {stats.shared_flights} shared a call in flight",
        f"saved      ${stats.saved_usd:f}",
        f"prefix     {_prefix(stats.prefix)}",
        f"provider   {stats.provider_cached_tokens} input tokens cached there, ${stats.provider_saved_usd:f} saved",
        f"semantic   {stats.semantic} {safe(stats.semantic_detail or stats.embedder)}".rstrip(),
        f"wrong      {_wrong(stats)}",
    ]
    lines += [f"by agent   {safe(agent)}: {_prefix(use)}" for agent, use in stats.prefix_by_agent.items()]
    lines += [f"used       {each.id} {safe(each.agent)} {safe(each.intent)} {each.hits} hits" for each in stats.top]
    lines += [f"near miss  {safe(miss)}" for miss in stats.near_misses]
    return lines + ([f"problem    {safe(stats.problem)}"] if stats.problem else [])


def _prefix(use: PrefixUse) -> str:
    """What engines' own prefix caches held of today's input tokens."""
    unknown = f"; of {count(use.unknown_tokens)} others it is not known" if use.unknown_tokens else ""
    held = share(use.cached_tokens, use.known_tokens)
    return f"{held} of {count(use.known_tokens)} input tokens today, from engines' prefix caches{unknown}"


def _wrong(stats: CacheStats) -> str:
    """The measured share of wrong semantic hits, with its interval."""
    complaints = f"; {stats.complaints} complaints" if stats.complaints else ""
    if stats.wrong_share is None:
        return f"not measured yet: no semantic hit was checked{complaints}"
    share, low, high = stats.wrong_share
    counted = f"{stats.rechecked_wrong} of {stats.rechecked} checked"
    return f"{share:.3f} ({low:.3f}–{high:.3f} at 95 %): {counted}, for ${stats.rechecked_usd:f}{complaints}"


async def _running_stats(socket: Path) -> CacheStats:
    async with attach(str(socket)) as opened:
        return (await opened.core.snapshot()).cache


def _file_totals(path: Path) -> tuple[int, int]:
    from backends.cache import browser

    try:
        return browser.totals(path)
    except sqlite3.Error as error:
        raise ClawError(f"the cache at {path} cannot be read ({error}): `claw cache flush` creates a new one") from None


def _flush(paths: Paths, agent: str | None) -> str:
    try:
        return asyncio.run(_act(paths.socket, Action(verb="flush-cache", actor=_actor(), agent=agent))).detail
    except Unreachable:
        return f"{_in_file(paths, lambda database: len(database.flush(agent)))} stored answers were deleted"


def _kill(paths: Paths, id: str) -> str:
    try:
        return asyncio.run(_act(paths.socket, Action(verb="kill-entry", actor=_actor(), id=id))).detail
    except Unreachable:
        pass

    def kill(database: "Database") -> int:
        found = database.keys_with_id(id)
        if len(found) == 1:
            database.delete(found)
        return len(found)

    count = _in_file(paths, kill)
    if count != 1:
        raise WrongUse(f"{count} entries have an id that starts with {safe(id)}: `claw cache inspect` lists them")
    return f"entry {id} killed"


async def _act(socket: Path, action: Action) -> Acted:
    async with attach(str(socket)) as opened:
        return await opened.core.act(action)


def _actor() -> str:
    return f"cli:{getpass.getuser()}"


def _in_file(paths: Paths, work: Callable[["Database"], int]) -> int:
    """Change the cache's file while no core runs; 0 where there is none."""
    from backends.cache.database import Database

    if not paths.cache.exists():
        return 0
    limit = load(paths.config).settings.cache.max_bytes
    try:
        database = Database(paths.cache, max_bytes=limit)
        try:
            return work(database)
        finally:
            database.close()
    except (sqlite3.Error, OSError) as error:
        raise ClawError(f"the cache at {paths.cache} cannot be changed ({error}): delete the file") from None
