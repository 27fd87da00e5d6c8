import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.errors import ClawError, WrongSettings
from backends.gateway.unix_socket import bind, unlink_own


@pytest.fixture
def wide_open() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "run" / "claw.sock"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


@pytest.mark.usefixtures("wide_open")
def test_s29_the_socket_is_private_from_birth_whatever_the_umask(place: Path) -> None:
    with bind(place):
        assert stat.S_ISSOCK(place.lstat().st_mode)
        assert mode_of(place) == 0o600
        assert mode_of(place.parent) == 0o700


def test_s29_a_folder_others_may_enter_is_closed_to_them(place: Path) -> None:
    place.parent.mkdir(mode=0o755)
    place.parent.chmod(0o777)
    with bind(place):
        assert mode_of(place.parent) == 0o700


def test_s29_a_folder_that_is_a_link_is_refused(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ClawError, match="must be a folder of your own"):
        bind(place)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_s29_a_folder_that_cannot_be_made_is_said(place: Path) -> None:
    place.parent.write_text("a file")
    with pytest.raises(ClawError, match="cannot make the folder"):
        bind(place)


def test_p5_a_dead_socket_is_replaced(place: Path) -> None:
    place.parent.mkdir(mode=0o700)
    listening(place).close()
    with bind(place), socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(place))


def test_p5_a_living_socket_is_left_to_its_core(place: Path) -> None:
    with bind(place), pytest.raises(ClawError, match="another core listens"):
        bind(place)
    assert place.exists()


@pytest.mark.parametrize("kind", ["file", "link", "folder", "dangling"])
def test_p5_nothing_but_a_socket_is_ever_removed(place: Path, tmp_path: Path, kind: str) -> None:
    place.parent.mkdir(mode=0o700)
    target = tmp_path / "target.sock"
    dead = listening(target)
    dead.close()
    match kind:
        case "file":
            place.write_text("mine")
        case "folder":
            place.mkdir()
        case "link":
            place.symlink_to(target)
        case "dangling":
            place.symlink_to(tmp_path / "nowhere")
    before = place.lstat()
    with pytest.raises(ClawError, match="not a socket, so it is left alone"):
        bind(place)
    assert place.lstat().st_ino == before.st_ino
    assert target.exists()


def test_a_socket_of_another_kind_is_not_taken_for_dead(place: Path) -> None:
    place.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(place))
        with pytest.raises(ClawError, match="does not say whether it is in use"):
            bind(place)


def test_a_path_longer_than_the_kernel_takes_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="CLAW_HOME") as error:
        bind(tmp_path / ("x" * 120) / "claw.sock")
    assert error.value.exit_code == 2


def test_only_the_own_socket_is_removed_at_the_end(place: Path) -> None:
    with bind(place):
        inode = place.lstat().st_ino
        place.rename(place.with_suffix(".old"))
        place.write_text("another's")
        unlink_own(place, inode)
        assert place.exists()
        place.unlink()
        unlink_own(place, inode)
        place.with_suffix(".old").rename(place)
        unlink_own(place, inode)
        assert not place.exists()
