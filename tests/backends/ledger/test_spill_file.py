"""The file that is set aside: what it holds survives a crash, and what it does not hold it never shows."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import LedgerError
from backends.ledger.spill import HEADER, SpillFile

SIZE = 4096


def held(path: Path) -> list[bytes]:
    spill = SpillFile.open(path, SIZE)
    try:
        return list(spill.records())
    finally:
        spill.close()


def write_at(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def test_records_outlive_the_process_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "spill"
    spill = SpillFile.open(path, SIZE)
    spill.append([b"one", b"two"])
    spill.append([b"three"])
    assert held(path) == [b"one", b"two", b"three"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size == SIZE
    spill.close()


def test_a_reset_forgets_and_the_next_generation_shows_nothing_of_the_last(tmp_path: Path) -> None:
    spill = SpillFile.open(tmp_path / "spill", SIZE)
    spill.append([b"aaaa", b"bbbb", b"cccc"])
    before = spill.generation
    spill.reset()
    assert list(spill.records()) == []
    spill.append([b"dddd"])
    # what of the old records stands behind the new one has their checksums, and those are of another generation
    write_at(tmp_path / "spill", spill.used, b"\x04")
    assert list(spill.records()) == [b"dddd"]
    assert spill.generation != before
    spill.close()


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8), st.integers(0, 400), st.integers(1, 255))
def test_what_was_torn_ends_the_file_and_all_before_it_holds(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], place: int, noise: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "spill"
    spill = SpillFile.open(path, SIZE)
    spill.append(records)
    place = HEADER + place % (spill.used - HEADER)
    spill.close()
    write_at(path, place, bytes([path.read_bytes()[place] ^ noise]))
    found = held(path)
    assert found == records[: len(found)]
    assert len(found) < len(records)


def test_it_takes_no_more_than_fits(tmp_path: Path) -> None:
    spill = SpillFile.open(tmp_path / "spill", SIZE)
    assert spill.room_for(1, SIZE - HEADER - 16)
    assert not spill.room_for(1, SIZE - HEADER - 15)
    spill.append([b"x" * (SIZE - HEADER - 16)])
    assert not spill.room_for(1, 1)
    assert len(list(spill.records())) == 1
    spill.close()


def test_one_that_could_not_be_emptied_takes_nothing_more(tmp_path: Path) -> None:
    spill = SpillFile.open(tmp_path / "spill", SIZE)
    spill.append([b"one"])
    spill.close()
    with pytest.raises(OSError, match="descriptor"):
        spill.reset()
    with pytest.raises(OSError, match="not emptied"):
        spill.append([b"two"])


def test_a_link_and_a_disk_without_room_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LedgerError, match="make it a plain file you own"):
        SpillFile.open(tmp_path / "link", SIZE)
    with pytest.raises(LedgerError, match=r"lower ledger\.spill_bytes"):
        SpillFile.open(tmp_path / "spill", 1 << 60)
