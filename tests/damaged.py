"""Files that are damaged, found by changing sound ones at random."""

import sqlite3
from contextlib import closing


def database_whose_schema_is_no_text() -> bytes:
    """SQLite quotes such a schema in its error as it is, which Python then cannot read."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE notes (note TEXT)")
        return db.serialize().replace(b"CREATE TABLE", b"CREATE TABL\xd4", 1)
