import argparse
import asyncio
import json
from pathlib import Path

import pytest

from backends.cache.response_cache import ResponseCache
from backends.clock import SystemClock
from backends.commands import cache as command
from backends.errors import ClawError, WrongUse
from backends.ledger.install_key import InstallKey
from backends.paths import Paths
from backends.settings import cache as settings_cache
from backends.settings.agents import Agent
from backends.types import CacheEntry, CacheStats
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


def _fill(paths: Paths, text: str = "A lock.") -> None:
    """Three agents' entries; ada's was hit once, scout's is encrypted."""
    secret = InstallKey.load(paths.install_key).derived("cache")
    rules = {"scout": Agent(cache="encrypted")}

    async def fill() -> None:
        cache = await ResponseCache.open(
            paths.cache,
            settings_cache.Cache(semantic=False),
            clock=SystemClock(),
            agent=lambda request: rules.get(request.agent, Agent()),
            secret=secret,
        )
        for agent in ("ada", "ada2", "scout"):
            await cache.store(request(agent=agent), stored(text, request_id="req-1"), model_class="auto")
        await cache.lookup(request(agent="ada"), model_class="auto")
        await cache.close()

    asyncio.run(fill())


def test_stats_without_a_core_come_from_the_file(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(paths)
    assert _run("stats", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["entries"], told["running"], told["saved_usd"]) == (3, False, "0")
    assert _run("stats") == 0
    assert "entries    3" in capsys.readouterr().out


def test_flush_without_a_core_empties_the_file(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(paths)
    assert _run("flush", "--agent", "ada") == 0
    assert "1 stored answers" in capsys.readouterr().out
    assert _run("flush", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"detail": "2 stored answers were deleted"}


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
    with pytest.raises(ClawError, match="cannot be changed"):
        _run("flush")


def _listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    assert _run("inspect", "--json", *words) == 0
    entries: list[dict[str, object]] = json.loads(capsys.readouterr().out)["entries"]
    return entries


def test_entries_are_listed_the_most_used_first(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(paths)
    found = _listed(capsys)
    assert (found[0]["agent"], found[0]["hits"]) == ("ada", 1)
    assert {each["encrypted"] for each in found if each["agent"] == "scout"} == {True}
    assert [each["agent"] for each in _listed(capsys, "--agent", "ada2")] == ["ada2"]
    assert _run("inspect") == 0
    assert "What is a mutex?" in capsys.readouterr().out


def test_one_entry_is_shown_with_its_texts_and_where_it_came_from(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    _fill(paths, "A lock.\x1b]52;c;aGk=\x07 Yes.")
    for each in _listed(capsys):
        assert _run("inspect", str(each["id"])[:8], "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["question"], told["request_id"], told["verdicts"]) == ("What is a mutex?", "req-1", [])
        assert _run("inspect", str(each["id"])) == 0
        shown = capsys.readouterr().out
        assert "A lock." in shown
        assert "\x1b" not in shown


def test_without_its_key_an_encrypted_entry_is_listed_and_not_read(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    _fill(paths)
    paths.install_key.unlink()
    (sealed,) = _listed(capsys, "--agent", "scout")
    assert _run("inspect", str(sealed["id"]), "--json") == 0
    assert json.loads(capsys.readouterr().out)["answer"] is None
    assert _run("inspect", "--agent", "scout") == 0
    assert "encrypted" in capsys.readouterr().out


@pytest.mark.parametrize("id", ["0123456789ab", "zz", "%"])
def test_an_entry_that_is_not_there_is_wrong_use(paths: Paths, id: str) -> None:
    _fill(paths)
    with pytest.raises(WrongUse):
        _run("inspect", id)
    with pytest.raises(WrongUse):
        _run("kill", id)


def test_an_entry_is_killed_and_the_others_stay(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(paths)
    (ada,) = _listed(capsys, "--agent", "ada")
    with pytest.raises(WrongUse, match="0 entries"):
        _run("kill", f"{ada['id']}%")
    assert _run("kill", str(ada["id"])) == 0
    assert f"entry {ada['id']} killed" in capsys.readouterr().out
    assert {each["agent"] for each in _listed(capsys)} == {"ada2", "scout"}


def test_entries_are_exported_without_their_texts_unless_asked(
    paths: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _fill(paths)
    bare, whole = tmp_path / "bare.jsonl", tmp_path / "whole.jsonl"
    assert _run("export", str(bare)) == 0
    assert "3 entries" in capsys.readouterr().out
    assert bare.stat().st_mode & 0o777 == 0o600
    assert "mutex" not in bare.read_text()
    assert _run("export", str(whole), "--bodies", "--agent", "ada") == 0
    (line,) = [json.loads(line) for line in whole.read_text().splitlines()]
    assert (line["question"], line["answer"], line["agent"]) == ("What is a mutex?", "A lock.", "ada")
    with pytest.raises(WrongUse, match="exists"):
        _run("export", str(bare))
    with pytest.raises(ClawError, match="cannot be written"):
        _run("export", str(tmp_path / "no" / "folder"))
    capsys.readouterr()
    assert _run("export", "-") == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("words", [("export",), ("kill",), ("stats", "x"), ("flush", "x")])
def test_a_word_too_many_or_too_few_is_wrong_use(paths: Paths, words: tuple[str, ...]) -> None:
    with pytest.raises(WrongUse):
        _run(*words)


def test_there_is_nothing_to_list_without_a_file(paths: Paths, tmp_path: Path) -> None:
    with pytest.raises(ClawError, match="no cache"):
        _run("inspect")
    paths.cache.write_bytes(b"garbage " * 1000)
    with pytest.raises(ClawError, match="cannot be read"):
        _run("export", str(tmp_path / "out"))


def test_a_running_cores_figures_read_like_lines() -> None:
    stats = CacheStats(
        lookups=10,
        exact_hits=3,
        semantic_hits=2,
        entries=4,
        near_misses=("ada .91 stopped by number",),
        top=(CacheEntry(id="ab12", agent="ada", intent="chat", hits=7, age_s=3, bytes=9),),
        rechecked=50,
        rechecked_wrong=1,
        wrong_share=(0.02, 0.004, 0.105),
        complaints=2,
        problem="the disk is full",
    )
    lines = "\n".join(command.stats_lines(stats, running=True))
    assert "hits       5 (50 %): 3 exact, 2 semantic, 0 shared a call in flight" in lines
    assert "0.020 (0.004–0.105 at 95 %): 1 of 50 checked" in lines
    assert "2 complaints" in lines
    assert "ab12 ada chat 7 hits" in lines
    assert "problem    the disk is full" in lines
    assert "not measured yet" in "\n".join(command.stats_lines(CacheStats(), running=True))
