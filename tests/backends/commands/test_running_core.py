"""Commands for a running core say what to do where none runs, or where only one in rehearsal does."""

import socket
from pathlib import Path

import pytest

from backends.commands import main
from backends.paths import Paths


@pytest.mark.parametrize("words", [["act", "stop-cloud"], ["budget", "set", "all", "day", "1"]])
def test_the_core_in_rehearsal_is_pointed_to(home: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    path = Paths.find(rehearsal=True).socket
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert main(words) == 1
        assert (
            "no core is running here: the one that runs is in rehearsal, so add --rehearse" in capsys.readouterr().err
        )


def test_without_any_core_the_remedy_is_the_commands_own(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["act", "stop-cloud", "--rehearse"]) == 1
    assert "start one with `claw serve --rehearse`" in capsys.readouterr().err
