"""The shape of the code: backends without a terminal library, imports that touch nothing, files that fit a reader."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console import theming

ROOT = Path(__file__).parents[1]
LONGEST, MEDIAN = 500, 150
EXTRAS = ("torch", "sentence_transformers", "onnxruntime", "tokenizers", "xllamacpp", "sklearn")

IMPORT_ALL = """
import importlib, json, pkgutil, sys

package, *blocked = sys.argv[1:]
for name in blocked:
    sys.modules[name] = None
events = []
sys.addaudithook(lambda event, _: events.append(event) if event.startswith(("socket.", "subprocess.")) else None)
names = [package]
for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
        names.append(found.name)
print(json.dumps({"modules": names, "events": events}))
"""


def import_all(package: str, *blocked: str) -> Any:
    """Import every module of `package` in a process of its own, in which the `blocked` ones cannot be imported."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, package, *blocked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_backends_needs_no_terminal_library_no_extra_and_its_import_touches_nothing() -> None:
    found = import_all("backends", "textual", "rich", "console", *EXTRAS)
    assert found["events"] == []
    assert len(found["modules"]) == len(sources("backends")) - len([*(ROOT / "backends").rglob("__main__.py")])


def test_the_console_needs_no_extra_and_its_import_touches_nothing() -> None:
    found = import_all("console", *EXTRAS)
    assert found["events"] == []
    assert len(found["modules"]) == len(sources("console"))


@pytest.mark.parametrize("package", ["backends", "console"])
def test_files_fit_a_reader(package: str) -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in sources(package)}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
    assert statistics.median(lengths.values()) <= MEDIAN


def test_every_theme_loads() -> None:
    files = {path.stem for path in (ROOT / "themes").glob("*.toml")}
    assert set(theming.names()) == files >= {theming.DEFAULT}
    roles = {name: set(theming.read(name).roles) for name in theming.names()}
    assert all(each == roles[theming.DEFAULT] for each in roles.values())
    assert {theming.theme(name).name for name in theming.names()} == files


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))
