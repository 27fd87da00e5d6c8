"""The install's key: made once, private, and what makes prompt hashes useless elsewhere."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from backends.errors import LedgerError
from backends.ledger.install_key import InstallKey


def test_a_hash_is_the_installs_own(tmp_path: Path) -> None:
    here, again = InstallKey.load(tmp_path / "install.key"), InstallKey.load(tmp_path / "install.key")
    elsewhere = InstallKey.load(tmp_path / "other.key")
    assert here.prompt_hash("pin 1234") == again.prompt_hash("pin 1234") != here.prompt_hash("pin 1235")
    assert here.prompt_hash("pin 1234") != elsewhere.prompt_hash("pin 1234")
    assert here.prompt_hash("pin 1234") not in (
        hashlib.sha256(b"pin 1234").hexdigest(),
        hashlib.blake2b(b"pin 1234", digest_size=16).hexdigest(),
    )
    assert here.prompt_hash("\ud800")


def test_the_file_is_private_also_where_it_was_not(tmp_path: Path) -> None:
    file = tmp_path / "install.key"
    InstallKey.load(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_bytes()) == 32
    file.chmod(0o644)
    InstallKey.load(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_starters_at_the_same_time_agree(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START, str(tmp_path / "install.key")]
    starters = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
    for starter in starters:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
    hashes = {starter.communicate(b"go\n", timeout=20)[0] for starter in starters}
    assert len(hashes) == 1


START = """
import sys
from pathlib import Path
from backends.ledger.install_key import InstallKey
print("ready", flush=True)
sys.stdin.readline()
print(InstallKey.load(Path(sys.argv[1])).prompt_hash("a"))
"""


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_file_that_is_no_key_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "install.key"
    file.write_bytes(content)
    with pytest.raises(LedgerError, match="restore it, or move it away"):
        InstallKey.load(file)
    assert file.read_bytes() == content


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "install.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LedgerError, match="plain file"):
        InstallKey.load(tmp_path / "install.key")


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be used"):
        InstallKey.load(tmp_path / "nowhere" / "install.key")


def test_a_key_for_another_purpose_is_its_own(tmp_path: Path) -> None:
    key = InstallKey.load(tmp_path / "install.key")
    assert len(key.derived("cache")) == 32
    assert key.derived("cache") == InstallKey.load(tmp_path / "install.key").derived("cache")
    assert len({key.derived("cache"), key.derived("other"), InstallKey.load(tmp_path / "b.key").derived("cache")}) == 3
