"""What is shipped: the two packages with their data and the themes, and nothing else."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from email.parser import BytesParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from backends import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = ("backends", "console", "themes")
CLIENTS = ROOT / "tests" / "clients" / "programs"
"""They run in environments of their own; tests/clients/requirements/ says what is in them."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=100, check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(built.glob("*.whl")))


@pytest.mark.proves("S35")
def test_the_wheel_holds_the_packages_with_their_data_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    info = f"claw_console-{__version__}.dist-info"
    expected = {
        str(path.relative_to(ROOT))
        for folder in SHIPPED
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = set(wheel.namelist())
    assert {name for name in names if not name.startswith(f"{info}/")} == expected
    data = {Path(name).suffix for name in expected} - {".py"}
    assert data == {".sql", ".toml", ".npz", ".json", ".gz", ".typed", ".tsv", ".txt"}
    assert {"backends/py.typed", "console/py.typed"} <= expected
    assert {f"{info}/METADATA", f"{info}/entry_points.txt", f"{info}/licenses/LICENSE"} <= names
    assert b"claw = console.entry:main" in wheel.read(f"{info}/entry_points.txt")


def test_the_wheel_says_what_it_needs(wheel: zipfile.ZipFile) -> None:
    meta = BytesParser().parsebytes(wheel.read(f"claw_console-{__version__}.dist-info/METADATA"))
    assert (meta["Name"], meta["Version"], meta["License-Expression"]) == ("claw-console", __version__, "Apache-2.0")
    assert set(meta["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    plain = [need for need in meta.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert len(plain) == len(PROJECT["project"]["dependencies"])
    assert not [need for need in plain if re.match(r"(torch|onnxruntime|sentence-transformers|xllamacpp)\b", need)]
    assert set(meta.get_all("Provides-Extra", [])) == {"semantic", "semantic-light", "rehearsal"}


def test_the_source_distribution_builds_the_same_and_carries_its_tests(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    folders = {name.partition("/")[0] for name in names if "/" in name}
    assert {*SHIPPED, "tests", "benchmarks"} <= folders
    assert not folders & {".venv", ".git", "__pycache__", ".hypothesis"}
    assert {"README.md", "LICENSE", "Makefile", "constraints.txt", "pyproject.toml"} <= names


def test_what_is_imported_is_declared() -> None:
    project = PROJECT["project"]
    shipped = [
        *project["dependencies"],
        *(need for extra in project["optional-dependencies"].values() for need in extra),
    ]
    tools = [need for group in PROJECT["dependency-groups"].values() for need in group]
    assert undeclared(("backends", "console"), shipped) == {}
    assert undeclared(("benchmarks", "docs", "tests"), [*shipped, *tools]) == {}


def undeclared(folders: Sequence[str], needs: Sequence[str]) -> dict[str, str]:
    """Imports of other people's packages that no need names, each with a file that has it."""
    declared = {normal(re.split(r"[<>=!~\[; ]", need)[0]) for need in needs}
    providers = packages_distributions()
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if CLIENTS in path.parents or "node_modules" in path.parts:
                continue
            for name in imported(ast.parse(path.read_text("utf-8"))):
                if not declared & {normal(each) for each in providers.get(name, [name])}:
                    found[name] = str(path.relative_to(ROOT))
    return found


def imported(module: ast.Module) -> Iterator[str]:
    """The top-level names of imports that are neither Python's nor ours."""
    for node in ast.walk(module):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and not (ROOT / top).is_dir():
                yield top


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_torch_has_one_version_everywhere_and_no_address_is_written_down() -> None:
    files = {
        name: (ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "constraints.txt", "pyproject.toml")
    }
    pins = {name: set(re.findall(r"torch==([0-9.]+)", text)) for name, text in files.items()}
    assert len(set.union(*pins.values())) == 1, pins
    assert all(pins.values())
    assert not [name for name, text in files.items() if re.search(r"https?://|file://|--(extra-)?index", text)]


def test_lists_of_dependencies_are_sorted() -> None:
    lists = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    for each in lists:
        names = [re.split(r"[^A-Za-z0-9_-]", need)[0] for need in each]
        assert names == sorted(names)
