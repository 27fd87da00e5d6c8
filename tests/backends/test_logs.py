import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.logs import logging_to


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    with logging_to(tmp_path / "claw.log"):
        yield tmp_path / "claw.log"


def test_our_own_words_are_kept_in_a_private_file(log: Path) -> None:
    logging.getLogger("backends.pipeline.singleflight").error("flight %s ended without a row", "f1")
    assert "backends.pipeline.singleflight" in log.read_text()
    assert "flight f1 ended without a row" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.proves("S26")
def test_of_a_librarys_words_only_the_place_is_kept(log: Path) -> None:
    logging.getLogger("google_genai").warning("request was %s", "canary prompt")
    assert "google_genai" in log.read_text()
    assert "canary" not in log.read_text()


@pytest.mark.proves("S26")
def test_of_an_exception_the_frames_and_the_type_are_kept(log: Path) -> None:
    try:
        int("canary")
    except ValueError:
        logging.getLogger("backends.core.local").exception("lost")
    text = log.read_text()
    assert "ValueError" in text
    assert "test_of_an_exception" in text
    assert "literal" not in text


def test_nothing_reaches_the_terminal(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved")
    logging.getLogger("backends").warning("\x1b]52;c;Y2FuYXJ5\x07")
    assert capfd.readouterr() == ("", "")
    assert "\x1b" not in log.read_text()


def test_after_the_block_all_is_as_before(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    with logging_to(tmp_path / "claw.log"):
        assert logging.getLogger().handlers != before
    assert logging.getLogger().handlers == before
    assert not (tmp_path / "claw.log").exists()


def test_a_record_that_a_full_disk_does_not_take_is_dropped_and_not_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file, log = tmp_path / "claw.log", logging.getLogger("backends.core.local")
    file.symlink_to("/dev/full")
    with logging_to(file):
        log.error("canary")
        log.error("canary")
        file.unlink()
        log.error("there is room again")
    assert capfd.readouterr() == ("", "")
    assert file.read_text().count("\n") == 1
