"""An operator's change of a budget while the core runs: switch, audit row and books, all or none."""

import sqlite3

from msgspec import Struct

from backends.ledger.books import Books
from backends.ledger.entries import Audit
from backends.ledger.limits import control, overrides
from backends.ledger.loading import load
from backends.ledger.money import text
from backends.types import Acted


class SetBudget(Struct, frozen=True):
    """`acted` as `limits.change` made it. A budget that did not exist before is added up from the file."""

    acted: Acted
    owed = False

    def carry_out(self, db: sqlite3.Connection, books: Books) -> None:
        action = self.acted.action
        limit = None if action.limit_usd is None else text(action.limit_usd)
        switch = control(action.scope or "", action.window or "")
        Audit(acted=self.acted, switch=switch, value=limit).carry_out(db, books)
        controls = {row["key"]: row["value"] for row in db.execute("SELECT key, value FROM controls")}
        if not books.relimit(overrides(controls)):
            books.become(load(db, books.settings, books.moment, books.zone, groups=books.groups))
