"""`claw ledger`: check, export and back up the ledger, or compare a bill with it, also while a core runs."""

import argparse
import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from backends.commands.reconcile import reconciled
from backends.errors import LedgerError, WrongUse
from backends.ledger.integrity_check import LEFT_OPEN, find_faults
from backends.ledger.lock import is_held
from backends.ledger.sqlite_connection import open_read_only
from backends.paths import Paths


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=tuple(ACTIONS),
        help="verify: check it; export: write it as JSON lines; backup: copy it; path: print its path; reconcile:"
        " compare a provider's bill with it",
    )
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="for backup and export: a new file to write; for reconcile: the CSV file of a bill",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object (verify, reconcile)")
    parser.add_argument("--rehearse", action="store_true", help="the rehearsal's ledger")


def run(args: argparse.Namespace) -> int:
    if args.file is not None and args.action in ("verify", "path"):
        raise WrongUse(f"`claw ledger {args.action}` takes no FILE: leave it out")
    return ACTIONS[args.action](Paths.find(rehearsal=args.rehearse), args)


def _path(paths: Paths, args: argparse.Namespace) -> int:
    print(paths.ledger)
    return 0


def _verify(paths: Paths, args: argparse.Namespace) -> int:
    _must_exist(paths)
    with open_read_only(paths.ledger) as db:
        (rows,) = db.execute("SELECT count(*) FROM requests").fetchone()
        found = list(find_faults(db, core_runs=is_held(paths.lock)))
    if args.json:
        print(json.dumps({"ok": not found, "rows": rows, "faults": found}))
    elif not found:
        print(f"sound: {rows} rows, SQLite {sqlite3.sqlite_version}")
    else:
        print("\n".join(found))
    if found and all(line.endswith(LEFT_OPEN) for line in found):
        raise LedgerError(f"a core that was killed left {len(found)} calls open: start one, and nothing is lost")
    if found:
        raise LedgerError(
            f"{len(found)} faults in {paths.ledger}: back it up, then restore an earlier backup or report this"
        )
    return 0


def _export(paths: Paths, args: argparse.Namespace) -> int:
    _must_exist(paths)
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(_created(args.file)) if args.file else sys.stdout
        db = stack.enter_context(open_read_only(paths.ledger))
        for row in _all_rows(db):
            out.write(json.dumps(dict(row) | {"attempts": json.loads(row["attempts"])}) + "\n")
    return 0


def _all_rows(db: sqlite3.Connection) -> Iterator[sqlite3.Row]:
    """The rows of requests_v1, a page at a time: nothing is held open in the file while somebody reads what is written,
    so that its write-ahead log does not grow meanwhile.
    """
    after = ("", "")
    while page := db.execute(PAGE, after).fetchall():
        yield from page
        after = (page[-1]["started_at"], page[-1]["id"])


def _backup(paths: Paths, args: argparse.Namespace) -> int:
    if args.file is None:
        raise WrongUse("`claw ledger backup FILE` needs the file to write: name one that does not exist")
    _must_exist(paths)
    with (
        _created(args.file),
        open_read_only(paths.ledger) as db,
        contextlib.closing(sqlite3.connect(args.file)) as copy,
    ):
        db.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file that can be moved about
    print(f"backed up to {args.file}")
    return 0


@contextlib.contextmanager
def _created(path: Path) -> Iterator[TextIO]:
    """A new file that only its owner can read; removed again where the block fails."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongUse(f"{path} exists: name a file that does not") from None
    except OSError as error:
        raise LedgerError(f"{path} cannot be written ({error.strerror}): name a file in a folder of yours") from None
    with contextlib.ExitStack() as undo:
        undo.callback(path.unlink, missing_ok=True)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            yield out
        undo.pop_all()


def _must_exist(paths: Paths) -> None:
    if not paths.ledger.exists():
        raise LedgerError(f"there is no ledger at {paths.ledger} yet: the first core that starts makes one")


PAGE = "SELECT * FROM requests_v1 WHERE (started_at, id) > (?, ?) ORDER BY started_at, id LIMIT 1000"
ACTIONS = {"verify": _verify, "export": _export, "backup": _backup, "path": _path, "reconcile": reconciled}
