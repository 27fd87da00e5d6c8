"""The store of thought signatures: bounded, private, over restarts, and never in a request's way."""

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from backends.engines.gemini.signature_store import WAITING_BYTES, SignatureStore
from backends.types import Message, ToolCall
from tests.damaged import database_whose_schema_is_no_text


def message(id: str = "a", signature: str | None = "c2ln", *, text: str = "", arguments: str = '{"q": 1}') -> Message:
    return Message(
        role="assistant",
        text=text,
        tool_calls=(ToolCall(id=id, name="search", arguments=arguments, signature=signature),),
    )


def everything_in(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.iterdir())


async def found(store: SignatureStore, id: str = "a", arguments: str = '{"q": 1}') -> str | None:
    [back] = await store.restore((message(id, None, arguments=arguments),))
    return back.tool_calls[0].signature


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signatures.db"


async def test_a_signature_is_known_at_once_and_after_a_restart(path: Path) -> None:
    store = SignatureStore(path, b"k")
    store.remember(message())
    assert await found(store) == "c2ln"
    await store.close()
    store = SignatureStore(path, b"k")
    assert await found(store, arguments=' {"q":1}') == "c2ln"
    assert await found(store, id="b") is None
    assert await found(store, arguments='{"q": 2}') is None
    await store.close()


async def test_texts_have_theirs_whatever_is_blank_around_them(path: Path) -> None:
    store = SignatureStore(path, b"k")
    store.remember(Message(role="assistant", text="An answer.\n", signature="c2ln"))
    store.remember(Message(role="assistant", text=" ", signature="bm9uZQ=="))
    asked = (Message(role="user", text="An answer."), Message(role="assistant", text=" An answer."))
    back = await store.restore((*asked, Message(role="assistant", text=" ")))
    assert [each.signature for each in back] == [None, "c2ln", None]
    await store.close()


async def test_what_a_client_sent_back_stays_and_no_file_is_opened(path: Path) -> None:
    store = SignatureStore(path, b"k")
    messages = (message(signature="b3du"), Message(role="user", text="?"))
    assert await store.restore(messages) == messages
    await store.close()
    assert not await asyncio.to_thread(path.exists)


async def test_the_file_is_private_and_shows_nothing_of_a_call(path: Path) -> None:
    store = SignatureStore(path, b"k")
    store.remember(message("call-canary", text="text-canary", arguments='{"q": "argument-canary"}'))
    await store.flushed()
    assert stat.S_IMODE((await asyncio.to_thread(path.stat)).st_mode) == 0o600
    raw = await asyncio.to_thread(everything_in, path.parent)
    assert b"canary" not in raw
    assert b"search" not in raw
    await store.close()


async def test_another_installs_key_finds_nothing(path: Path) -> None:
    store = SignatureStore(path, b"k")
    store.remember(message())
    await store.close()
    store = SignatureStore(path, b"other")
    assert await found(store) is None
    await store.close()


async def test_the_oldest_go_where_there_are_too_many(path: Path) -> None:
    store = SignatureStore(path, b"k", most_entries=20)
    for index in range(50):
        store.remember(message(str(index), f"c2ln{index:04}"))
        await store.flushed()
    kept = [index for index in range(50) if await found(store, str(index))]
    assert kept == list(range(50 - len(kept), 50))
    assert 10 <= len(kept) <= 20
    await store.close()


async def test_the_oldest_go_where_they_are_too_long(path: Path) -> None:
    store = SignatureStore(path, b"k", most_bytes=10_000)
    for index in range(50):
        store.remember(message(str(index), f"{index:04}" * 100))
    await store.close()
    store = SignatureStore(path, b"k", most_bytes=10_000)
    kept = [index for index in range(50) if await found(store, str(index))]
    assert kept == list(range(50 - len(kept), 50))
    assert 12 <= len(kept) <= 25
    await store.close()


async def test_one_beyond_all_measure_is_not_kept(path: Path) -> None:
    store = SignatureStore(path, b"k")
    store.remember(message(signature="a" * 300_000))
    assert await found(store) is None
    await store.close()


@pytest.mark.parametrize(
    "content",
    [
        b"no database at all, but long enough to be read as one",
        b"SQLite format 3\0" * 200,
        database_whose_schema_is_no_text(),
    ],
)
async def test_a_damaged_file_is_set_aside_and_nobody_waits_for_it(path: Path, content: bytes) -> None:
    await asyncio.to_thread(path.write_bytes, content)
    store = SignatureStore(path, b"k")
    assert await found(store) is None
    store.remember(message())
    await store.close()
    store = SignatureStore(path, b"k")
    assert await found(store) == "c2ln"
    await store.close()
    kept = path.with_name("signatures.db.corrupt")
    assert await asyncio.to_thread(kept.read_bytes) == content


async def test_a_folder_in_its_place_is_done_without(path: Path) -> None:
    await asyncio.to_thread((path / "x").mkdir, parents=True)
    beside = path.with_name("signatures.db.corrupt")
    await asyncio.to_thread((beside / "y").mkdir, parents=True)
    store = SignatureStore(path, b"k")
    store.remember(message())
    await store.flushed()
    assert await found(store) == "c2ln"
    await store.close()


async def test_a_file_that_another_holds_keeps_nobody_waiting_on_the_loop(path: Path) -> None:
    store = SignatureStore(path, b"k")
    store.remember(message("first"))
    await store.flushed()
    other = await asyncio.to_thread(sqlite3.connect, path, check_same_thread=False)
    await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
    loop = asyncio.get_running_loop()
    began = loop.time()
    for index in range(100):
        store.remember(message(str(index)))
    assert loop.time() - began < 0.5
    assert await found(store, "99") == "c2ln"
    await asyncio.to_thread(other.rollback)
    await asyncio.to_thread(other.close)
    await store.flushed()
    await store.close()
    store = SignatureStore(path, b"k")
    assert await found(store, "99") == "c2ln"
    await store.close()


async def test_closing_twice_and_asking_a_closed_one_is_nothing(path: Path) -> None:
    store = SignatureStore(path, b"k")
    store.remember(message())
    await store.close()
    await store.close()
    assert await found(store) is None
    assert not await asyncio.to_thread(path.with_name("signatures.db.corrupt").exists)


async def test_what_cannot_be_written_takes_bounded_memory(path: Path) -> None:
    await asyncio.to_thread((path / "x").mkdir, parents=True)
    beside = path.with_name("signatures.db.corrupt")
    await asyncio.to_thread((beside / "y").mkdir, parents=True)
    store = SignatureStore(path, b"k")
    long = "c2ln" * 50_000
    for number in range(100):
        store.remember(message(f"g{number}", long))
    known = [number for number in range(100) if await found(store, f"g{number}") == long]
    assert known[-1] == 99
    assert len(known) * len(long) <= WAITING_BYTES < (len(known) + 1) * len(long)
    await store.close()
