import argparse
import asyncio
import json
from pathlib import Path

import pytest

from backends import settings
from backends.cache.store import Cache
from backends.clock import SystemClock
from backends.commands import cache as command
from backends.errors import ClawError
from backends.paths import Paths
from tests.backends.cache.samples import request, stored


def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


@pytest.fixture
def paths(home: Path) -> Paths:
    found = Paths.find()
    found.make()
    return found


def _fill(path: Path) -> None:
    async def fill() -> None:
        cache = await Cache.open(path, settings.Cache(semantic=False), clock=SystemClock())
        for agent in ("ada", "ada2", "scout"):
            await cache.store(request(agent=agent), stored(), model_class="auto")
        await cache.close()

    asyncio.run(fill())


def test_stats_without_a_core_come_from_the_file(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(paths.cache)
    assert _run("stats", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["entries"], told["running"], told["saved_usd"]) == (3, False, "0")
    assert _run("stats") == 0
    assert "entries    3" in capsys.readouterr().out


def test_flush_without_a_core_empties_the_file(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(paths.cache)
    assert _run("flush", "--agent", "ada") == 0
    assert "1 stored answers" in capsys.readouterr().out
    assert _run("flush", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"detail": "2 stored answers were forgotten"}


def test_no_file_is_an_empty_cache(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("flush") == 0
    assert _run("stats") == 0
    assert not paths.cache.exists()


def test_a_file_that_cannot_be_read_is_one_line(paths: Paths) -> None:
    paths.cache.write_bytes(b"garbage " * 1000)
    with pytest.raises(ClawError, match="claw cache flush"):
        _run("stats")
    assert _run("flush") == 0


def test_a_file_that_cannot_be_flushed_is_one_line(paths: Paths) -> None:
    paths.cache.mkdir()
    with pytest.raises(ClawError, match="cannot be flushed"):
        _run("flush")
