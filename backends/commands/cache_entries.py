"""`claw cache inspect|export`: what is stored, read from the cache's file beside a running core."""

import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from backends.cache import browser
from backends.cache.browser import ListedEntry
from backends.cache.encryption import BodyCipher
from backends.cache.stored_answer import age
from backends.commands.json_output import encoded
from backends.errors import ClawError, WrongUse
from backends.ledger.install_key import InstallKey
from backends.paths import Paths
from backends.text.terminal_safe import safe

LISTED = 50


def inspect(paths: Paths, id: str | None, agent: str | None, *, as_json: bool) -> str:
    """The most used entries, or everything about the one whose id starts with `id`."""
    return _read(paths, lambda db, cipher: _one(db, cipher, id, as_json) if id else _many(db, cipher, agent, as_json))


def export(paths: Paths, file: Path, agent: str | None, *, bodies: bool) -> str:
    """Every entry as a line of JSON into a new file; questions and answers only with `bodies`."""

    def write(db: sqlite3.Connection, cipher: BodyCipher | None) -> str:
        count = 0
        with _created(file) as out:
            for each in browser.entries(db, cipher, agent=agent):
                count += 1
                out.write(encoded(_facts(each) | (_bodies(each) if bodies else {})) + "\n")
        return f"{count} entries written to {file}" if str(file) != "-" else ""

    return _read(paths, write)


def _many(db: sqlite3.Connection, cipher: BodyCipher | None, agent: str | None, as_json: bool) -> str:
    found = list(browser.entries(db, cipher, agent=agent, limit=LISTED))
    if as_json:
        return encoded({"entries": [_facts(each) for each in found]})
    now = time.time()
    lines = [f"{'entry':<12}  {'agent':<12}  {'intent':<17} {'hits':>6}  {'age':>7}  {'bytes':>8}  question"]
    for each in found:
        intent = each.entry.stored.intent if each.entry else "–"
        question = safe(each.entry.question[:60]) if each.entry else "encrypted" if each.encrypted else "broken"
        line = f"{each.id:<12}  {each.agent:<12}  {intent:<17} {each.hits:>6}  {age(max(0, now - each.stored_at)):>7}"
        lines.append(f"{line}  {each.size:>8}  {question}")
    return "\n".join(lines) if found else "The cache is empty."


def _one(db: sqlite3.Connection, cipher: BodyCipher | None, id: str, as_json: bool) -> str:
    found = list(browser.entries(db, cipher, id=id, limit=3))
    if not found:
        raise WrongUse(f"no entry {safe(id)} is stored: `claw cache inspect` lists the stored ones")
    if len(found) > 1:
        raise WrongUse(f"{safe(id)} matches {', '.join(each.id for each in found)}: give more of the id")
    (each,) = found
    record = [
        {"at": _moment(at), "score": score, "right": right, "by": by, "request_id": request}
        for at, score, right, by, request in browser.reviews(db, each.key)
    ]
    facts = _facts(each) | {"verdicts": record} | _bodies(each)
    if as_json:
        return encoded(facts)
    shown = {name: str(value) for name, value in facts.items() if name not in ("verdicts", "answer")}
    lines = [f"{name:<12} {safe(value)}" for name, value in shown.items()]
    lines += [f"{'verdict':<12} {safe(str(verdict))}" for verdict in record]
    return "\n".join([*lines, "", "\n".join(map(safe, str(facts["answer"]).splitlines()))])


def _facts(each: ListedEntry) -> dict[str, Any]:
    stored = each.entry.stored if each.entry else None
    facts: dict[str, Any] = {
        "id": each.id,
        "agent": each.agent,
        "stored_at": _moment(each.stored_at),
        "expires_at": _moment(each.expires_at),
        "used_at": _moment(each.used_at),
        "hits": each.hits,
        "bytes": each.size,
        "encrypted": each.encrypted,
    }
    if stored is not None:
        facts |= {
            "intent": stored.intent,
            "engine": stored.engine,
            "model": stored.model,
            "request_id": stored.request_id,
            "cost_usd": f"{stored.cost_usd:f}",
            "baseline_usd": f"{stored.baseline_usd:f}",
        }
    return facts


def _bodies(each: ListedEntry) -> dict[str, str | None]:
    entry = each.entry
    return {"question": entry.question if entry else None, "answer": entry.stored.text if entry else None}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _read(paths: Paths, work: Callable[[sqlite3.Connection, BodyCipher | None], str]) -> str:
    if not paths.cache.exists():
        raise ClawError(f"there is no cache at {paths.cache} yet: the first start of a core creates it")
    cipher = BodyCipher(InstallKey.load(paths.install_key).derived("cache")) if paths.install_key.exists() else None
    try:
        with browser.open_read_only(paths.cache) as db:
            return work(db, cipher)
    except sqlite3.Error as error:
        raise ClawError(
            f"the cache at {paths.cache} cannot be read ({error}): `claw cache flush` creates a new one"
        ) from None


@contextmanager
def _created(path: Path) -> Iterator[TextIO]:
    """A new file that only its owner can read, or stdout for "-"."""
    if str(path) == "-":
        yield sys.stdout
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise WrongUse(f"{path} exists already: name a new file") from None
    except OSError as error:
        raise ClawError(
            f"{path} cannot be written ({error.strerror}): name a file in a folder that you may write to"
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        yield out
