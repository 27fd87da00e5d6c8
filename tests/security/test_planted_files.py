"""Files of the state folder that somebody else put there first: a link is not followed, a wide one is made private."""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from backends.cache import cache_file
from backends.commands import main
from backends.errors import ClawError
from backends.ledger.sqlite_connection import writable
from backends.logs import logging_to
from backends.paths import Paths, make_private, open_private
from backends.settings.model import Settings
from tests.core import ask, policy, prompt, stand
from tests.faults.test_money import locked


def opened_cache(path: Path) -> None:
    with closing(cache_file.open_file(path)):
        pass


def opened_ledger(path: Path) -> None:
    with closing(writable(path)):
        pass


def written_log(path: Path) -> None:
    with logging_to(path):
        logging.getLogger("backends").warning("a line")


def opened_plainly(path: Path) -> None:
    with open(path, "ab", opener=open_private):
        pass


OPENERS = [opened_cache, opened_ledger, written_log, opened_plainly, make_private]


@pytest.mark.parametrize("opens", OPENERS)
@pytest.mark.parametrize("tail", ["", "-wal", "-shm"])
def test_s28_a_planted_link_is_not_followed(tmp_path: Path, opens: Callable[[Path], None], tail: str) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"theirs")
    theirs.chmod(0o644)
    path = tmp_path / "file"
    path.with_name(path.name + tail).symlink_to(theirs)
    try:
        opens(path)
    except (OSError, ClawError) as error:
        assert "link" in str(error)
        assert "\n" not in str(error)
    assert theirs.read_bytes() == b"theirs"
    assert theirs.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("opens", OPENERS)
def test_s28_a_wide_file_is_made_private(tmp_path: Path, opens: Callable[[Path], None]) -> None:
    path = tmp_path / "file"
    path.touch(mode=0o666)
    path.chmod(0o666)
    before = os.umask(0)
    try:
        opens(path)
    finally:
        os.umask(before)
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == {
        file.name: "0o600" for file in tmp_path.iterdir()
    }


def test_s28_whatever_the_umask_all_that_a_core_and_its_commands_write_is_private(home: Path) -> None:
    """The ledger with what SQLite keeps beside it, spill, backup, keys, settings, logs, and the folders they are in."""

    async def play() -> None:
        def spilling(settings: Settings) -> Settings:
            settings = replace(settings, ledger=replace(settings.ledger, on_unwritable="serve"))
            return policy(settings, "ada", "cloud")

        async with stand(home, change=spilling) as it:
            await ask(it.core, prompt("hello", agent="ada"))
            with locked(it):
                await ask(it.core, prompt("hello again", agent="ada"))
                await asyncio.to_thread(look)
            await it.cleared("ledger:spill")
            assert await asyncio.to_thread(main, ["ledger", "backup", str(home / "backup.db")]) == 0
            await asyncio.to_thread(look)

    seen: set[str] = set()

    def look() -> None:
        for path in home.rglob("*"):
            seen.add(path.name)
            if not path.is_socket():
                assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path

    before = os.umask(0)
    try:
        paths = Paths.find()
        paths.make()
        assert main(["config", "init"]) == 0
        assert main(["key", "add", "ada"]) == 0
        with logging_to(paths.log):
            logging.getLogger("backends").warning("a line")
            asyncio.run(play())
    finally:
        os.umask(before)
    files = {"claw.toml", "agent-keys.json", "ledger.db", "ledger.db-wal", "ledger.spill", "backup.db", "claw.log"}
    assert files <= seen
