import os
from pathlib import Path

import pytest

from backends.errors import WrongSettings
from backends.paths import Paths, open_private


def test_claw_home_holds_everything(tmp_path: Path) -> None:
    paths = Paths.find(environ={"CLAW_HOME": str(tmp_path)})
    for path in (paths.config, paths.ledger, paths.cache, paths.socket, paths.lock, paths.log, paths.install_key):
        assert path.is_relative_to(tmp_path)


def test_rehearsal_keeps_a_ledger_cache_and_socket_of_its_own(tmp_path: Path) -> None:
    real = Paths.find(environ={"CLAW_HOME": str(tmp_path)})
    practice = Paths.find(rehearsal=True, environ={"CLAW_HOME": str(tmp_path)})
    assert practice.config == real.config
    assert practice.ledger.parent == real.ledger.parent / "rehearsal"
    assert {practice.ledger, practice.cache, practice.socket}.isdisjoint({real.ledger, real.cache, real.socket})


def test_every_folder_that_is_made_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Paths.find(rehearsal=True, environ={"CLAW_HOME": str(tmp_path / "a" / "b")}).make()
    finally:
        os.umask(before)
    made = [folder for folder in (tmp_path / "a").rglob("*") if folder.is_dir()]
    assert len(made) == 5
    assert {folder.stat().st_mode & 0o777 for folder in made} == {0o700}


def test_a_home_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongSettings, match="set CLAW_HOME"):
        Paths.find(environ={"CLAW_HOME": str(tmp_path / "file" / "home")}).make()


def test_what_is_opened_privately_is_0600_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with open(tmp_path / "key", "x", opener=open_private) as file:
            file.write("secret")
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
