"""Thought signatures that clients drop, kept for the next turn over restarts of the core.

Gemini 3 refuses a tool call that comes back without its signature, and most clients of OpenAI's dialect send back only
what they know. A signature lies under a hash, keyed by the install, of the call it came with (id, name and arguments)
or of the answer's text: neither can be read from the file, and a signature itself is sealed by Google. It goes back to
the provider that made it, in the same form of the prompt; that is why it is kept beside the engine and not beside the
client. Of several signatures of the same words the first is kept: with another one the prompt would no longer begin as
the provider has cached it.

Writing happens in a thread of its own and nobody waits for it. A file that cannot be used is set aside once; after
that, signatures are kept in memory alone.
"""

import asyncio
import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from queue import SimpleQueue

import msgspec
from msgspec.structs import replace

from backends.off_loop import EACH, off_loop
from backends.paths import make_private
from backends.types import Message, ToolCall

log = logging.getLogger(__name__)

MOST_ENTRIES = 20_000
MOST_BYTES = 32 * 1024 * 1024
LONGEST = 256 * 1024  # characters of one signature; the longest that was seen has 47,000
WAITING = 1_000  # entries that wait to be written, at the most; a file that is full or locked lets them pile up
WAITING_BYTES = 8 * 1024 * 1024
BUSY_S = 1.0
EVICTED = 16  # of how many parts one goes when it is full

_SCHEMA = """
CREATE TABLE IF NOT EXISTS signatures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    signature TEXT NOT NULL
);
"""

_canonical = msgspec.json.Encoder(order="sorted")


class SignatureStore:
    """A bounded map on disk, oldest out. Every method but the constructor is for the event loop."""

    def __init__(
        self, path: Path, secret: bytes, *, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES
    ) -> None:
        """Opens no file yet: the first use does, in the store's thread or off the loop."""
        self._path = path
        self._secret = secret
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._lock = threading.Lock()  # of what waits: held for moments, by the loop too
        self._file = threading.Lock()  # of the file: never taken on the loop
        self._waiting: OrderedDict[bytes, str] = OrderedDict()
        self._news: SimpleQueue[threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._db: sqlite3.Connection | None = None
        self._broken = False
        self._entries = self._bytes = 0
        self._held = 0  # characters of what waits

    def remember(self, message: Message) -> None:
        """Keep the signatures of an answer; returns at once."""
        kept = list(self._keyed(message))
        if not kept:
            return
        with self._lock:
            for key, signature in kept:
                if key not in self._waiting:
                    self._held += len(signature)
                    self._waiting[key] = signature
            while len(self._waiting) > WAITING or self._held > WAITING_BYTES:
                _, oldest = self._waiting.popitem(last=False)
                self._held -= len(oldest)
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="signatures", daemon=True)
            self._thread.start()
        self._news.put(threading.Event())

    async def restore(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """The messages with the signatures that they lack and that are known here."""
        if not await off_loop(EACH * len(messages), lambda: any(map(_lacks, messages))):
            return tuple(messages)
        return await asyncio.to_thread(lambda: tuple(map(self._restored, messages)))

    async def flushed(self) -> None:
        """Wait until all that was remembered so far is on disk, or cannot be."""
        if self._thread is not None:
            done = threading.Event()
            self._news.put(done)
            await asyncio.to_thread(done.wait)

    async def close(self) -> None:
        """Write what waits and close the file."""
        if self._thread is not None:
            self._news.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        with self._file:
            if self._db is not None:
                self._db.close()
            self._db, self._broken = None, True

    def _keyed(self, message: Message) -> Iterator[tuple[bytes, str]]:
        for call in message.tool_calls:
            if call.signature and len(call.signature) <= LONGEST:
                yield self._call_key(call), call.signature
        if message.signature and message.text.strip() and len(message.signature) <= LONGEST:
            yield self._text_key(message.text), message.signature

    def _restored(self, message: Message) -> Message:
        if not _lacks(message):
            return message
        calls = tuple(
            call if call.signature else replace(call, signature=self._get(self._call_key(call)))
            for call in message.tool_calls
        )
        signature = message.signature
        if signature is None and message.text.strip():
            signature = self._get(self._text_key(message.text))
        return replace(message, tool_calls=calls, signature=signature)

    def _call_key(self, call: ToolCall) -> bytes:
        arguments: object = call.arguments
        with suppress(msgspec.DecodeError, RecursionError):
            arguments = msgspec.json.decode(call.arguments or "{}")
        return self._hash(_canonical.encode(("call", call.id, call.name, arguments)))

    def _text_key(self, text: str) -> bytes:
        """Clients strip what is blank at a text's ends."""
        return self._hash(b"text\0" + text.strip().encode("utf-8", "surrogatepass"))

    def _hash(self, data: bytes) -> bytes:
        return blake2b(data, key=self._secret, digest_size=16).digest()

    def _get(self, key: bytes) -> str | None:
        with self._lock:
            waiting = self._waiting.get(key)
        if waiting is not None:
            return waiting
        with self._file:
            try:
                if (db := self._opened()) is None:
                    return None
                row = db.execute("SELECT signature FROM signatures WHERE key = ?", (key,)).fetchone()
            except sqlite3.Error as error:
                self._failed(error)
                return None
        return row[0] if row is not None and isinstance(row[0], str) else None

    def _write(self) -> None:
        """The thread: what waits goes to disk in one transaction."""
        while (news := self._news.get()) is not None:
            self._flush()
            news.set()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            batch = dict(self._waiting)
        if not batch:
            return
        with self._file:
            if (db := self._opened()) is None:
                return
            before = self._entries, self._bytes
            try:
                with db:
                    for key, signature in batch.items():
                        self._put(db, key, signature)
                    self._evict(db)
            except sqlite3.Error as error:
                self._entries, self._bytes = before  # the transaction is undone
                self._failed(error)
                return
        with self._lock:
            for key, signature in batch.items():
                if self._waiting.get(key) is signature:
                    self._held -= len(self._waiting.pop(key))

    def _put(self, db: sqlite3.Connection, key: bytes, signature: str) -> None:
        put = db.execute("INSERT OR IGNORE INTO signatures (key, signature) VALUES (?, ?)", (key, signature))
        if put.rowcount:
            self._entries, self._bytes = self._entries + 1, self._bytes + len(signature)

    def _evict(self, db: sqlite3.Connection) -> None:
        """Within the bounds again, with some room for the next ones."""
        while self._entries > self._most_entries or self._bytes > self._most_bytes:
            many = max(1, self._entries // EVICTED)
            gone = db.execute(
                "DELETE FROM signatures WHERE id IN (SELECT id FROM signatures ORDER BY id LIMIT ?)"
                " RETURNING length(signature)",
                (many,),
            ).fetchall()
            if not gone:
                return
            self._entries -= len(gone)
            self._bytes -= sum(size for (size,) in gone)

    def _opened(self) -> sqlite3.Connection | None:
        """The file, opened when first wanted; None where it cannot be had. Called with `_file` held."""
        if self._db is None and not self._broken:
            try:
                self._db = self._connect()
            except (sqlite3.Error, OSError) as error:
                self._set_aside(error)
        return self._db

    def _connect(self) -> sqlite3.Connection:
        make_private(self._path)
        db = sqlite3.connect(self._path, timeout=BUSY_S, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL").fetchone()
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON").fetchone()
            db.executescript(_SCHEMA)
            self._entries, self._bytes = db.execute(
                "SELECT count(*), coalesce(sum(length(signature)), 0) FROM signatures"
            ).fetchone()
        except UnicodeDecodeError:  # SQLite's own words quote a damaged schema as it is
            db.close()
            raise sqlite3.DatabaseError("its schema is unreadable") from None
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _failed(self, error: sqlite3.Error) -> None:
        """A file that is locked or full for now stays; a damaged one is begun anew."""
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            log.warning("a thought signature could not be kept or read: %s", error)
            return
        if self._db is not None:
            self._db.close()
            self._db = None
        self._set_aside(error)

    def _set_aside(self, error: Exception) -> None:
        """Begin the file anew once; where that fails too, do without it."""
        log.warning("%s was set aside as %s.corrupt and begun anew: %s", self._path.name, self._path.name, error)
        try:
            for tail in ("-wal", "-shm"):
                self._path.with_name(self._path.name + tail).unlink(missing_ok=True)
            self._path.replace(self._path.with_name(self._path.name + ".corrupt"))
            self._db = self._connect()
        except (sqlite3.Error, OSError) as again:
            log.warning("thought signatures are kept in memory alone: %s", again)
            self._broken = True


def is_signed(message: Message) -> bool:
    """Has it any signature?"""
    return message.signature is not None or any(call.signature for call in message.tool_calls)


def without_signatures(message: Message) -> Message:
    """The message without its signatures."""
    calls = tuple(replace(call, signature=None) for call in message.tool_calls)
    return replace(message, tool_calls=calls, signature=None) if is_signed(message) else message


def _lacks(message: Message) -> bool:
    """Only the first call of a step has a signature, so one call with one is enough."""
    if message.role != "assistant":
        return False
    if message.tool_calls:
        return not any(call.signature for call in message.tool_calls)
    return message.signature is None and bool(message.text.strip())
