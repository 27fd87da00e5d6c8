"""What a release installs, bounded in pyproject.toml and pinned with hashes in requirements.lock, and what that does
when it is started: it opens no socket but its own door and the engines'.
"""

import json
import os
import re
import signal
import site
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
REQUIRED = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = [Requirement(text) for texts in PROJECT["optional-dependencies"].values() for text in texts]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@pytest.mark.parametrize("required", [*REQUIRED, *EXTRAS], ids=str)
def test_s35_each_dependency_is_bounded_above(required: Requirement) -> None:
    assert {specifier.operator for specifier in required.specifier} & {"<", "=="}


def test_s35_each_pinned_version_has_a_hash_and_no_address() -> None:
    entries = LOCK.replace("\\\n", "").splitlines()
    assert len(entries) > len(REQUIRED)
    for entry in entries:
        pin, *hashes = re.split(r"\s+(?=--hash)", entry.strip())
        (specifier,) = Requirement(pin).specifier
        assert specifier.operator == "=="
        assert hashes
        assert all(map(HASH.fullmatch, hashes))
    assert "://" not in LOCK


def test_s35_each_dependency_is_pinned_within_its_bounds() -> None:
    pinned = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", LOCK, re.M)}
    for required in REQUIRED:
        assert required.specifier.contains(pinned[canonicalize_name(required.name)]), required


# ---- what runs by itself in the environment that was built

KNOWN_PTH = {
    "distutils-precedence.pth": "setuptools",
    "a1_coverage.pth": "coverage, in tests",
    "_editable_impl_claw_console.pth": "claw itself, from its source",
    "_virtualenv.pth": "virtualenv",
}
"""Files by which a package runs code in every Python that starts here, with who has put them there."""


def test_s35_no_unknown_code_runs_when_python_starts() -> None:
    """A .pth file whose lines are paths alone runs nothing."""
    folders = [*site.getsitepackages(), *(path for path in sys.path if path.endswith("site-packages"))]
    unknown = [
        path.name
        for folder in folders
        for path in Path(folder).glob("*.pth")
        if path.name not in KNOWN_PTH
        and any(line.startswith(("import ", "import\t")) for line in path.read_text("utf-8").splitlines())
    ]
    assert unknown == []
    assert not [folder for folder in folders if (Path(folder) / "sitecustomize.py").exists()]


@pytest.mark.proves("S35")
def test_s35_nothing_in_the_lock_is_a_file_a_path_or_another_index() -> None:
    for line in LOCK.splitlines():
        assert not re.match(r"\s*(-e|--index|--extra|--find|git\+|file:|\.)", line), line
        assert " @ " not in line


# ---- sockets

WITNESS = """
import json, sys
asked = []
def hear(event, args):
    if event in ("socket.connect", "socket.bind", "socket.sendto"):
        asked.append(str(args[1][0] if isinstance(args[1], tuple) else args[1]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        asked.append(str(args[0]))
sys.addaudithook(hear)
from console.entry import main
try:
    code = main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print("\\n" + json.dumps({"code": code, "asked": asked}))
"""


def run(home: Path, *words: str, until: str = "") -> tuple[int, set[str]]:
    """The exit code of `claw` with these words, and the addresses and names that it asked the system for.

    Once `until` is said on stderr, it is told to end.
    """
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLAW_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    child = subprocess.Popen(
        [sys.executable, "-c", WITNESS, *words],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    if until:
        for line in child.stderr:
            if line.startswith(until):
                child.send_signal(signal.SIGTERM)
                break
    said, _ = child.communicate(timeout=60)
    found = json.loads(said.strip().splitlines()[-1])
    return found["code"], set(found["asked"])


@pytest.mark.parametrize("words", [["--version"], ["config"], ["key", "list"], ["report"], ["budget"], ["status"]])
def test_s35_a_command_about_this_machine_asks_no_other(home: Path, words: list[str]) -> None:
    """At most whether a core runs, at that core's own socket."""
    home.mkdir()
    _, asked = run(home, *words)
    assert asked <= {str(home / "run" / "claw.sock"), str(home / "run" / "rehearsal" / "claw.sock")}


def test_s35_a_core_that_starts_opens_its_door_and_asks_its_local_engine_alone(home: Path) -> None:
    home.mkdir()
    (home / "claw.toml").write_text("[telemetry]\ngpu = false\n[cache]\nsemantic = false\n", encoding="utf-8")
    code, asked = run(home, "serve", "--port", "0", until="ready ")
    assert code == 0
    assert asked <= {"127.0.0.1", str(home / "run" / "claw.sock")}
    assert "127.0.0.1" in asked
