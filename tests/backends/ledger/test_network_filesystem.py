"""A ledger on a network file system is refused."""

from pathlib import Path

import pytest

from backends.errors import LedgerError
from backends.ledger.integrity_check import refuse_network_filesystem


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    table = tmp_path / "mounts"
    table.write_text(
        "/dev/vda / ext4 rw 0 0\n"
        "proc /proc proc rw 0 0\n"
        "filer:/home /home nfs4 rw 0 0\n"
        "/dev/vdb /home/op/local\\040disk xfs rw 0 0\n"
        "filer:/x /srv nfs rw 0 0\n"
        "/dev/vdc /srv ext4 rw 0 0\n"
    )
    return table


@pytest.mark.parametrize("folder", ["/home/op/.local/state/claw", "/home"])
@pytest.mark.proves("D5")
def test_a_network_folder_is_refused(mounts: Path, folder: str) -> None:
    with pytest.raises(LedgerError, match=r"network file system \(nfs4\): set CLAW_HOME"):
        refuse_network_filesystem(Path(folder), mounts)


@pytest.mark.parametrize("folder", ["/", "/homes/op", "/home/op/local disk/claw", "/srv/claw"])
def test_a_local_folder_passes(mounts: Path, folder: str) -> None:
    refuse_network_filesystem(Path(folder), mounts)


def test_a_system_that_does_not_tell_is_believed(tmp_path: Path) -> None:
    refuse_network_filesystem(Path("/home"), tmp_path / "none")
