"""The shape of the code: backends without a terminal library, imports that touch nothing, files that fit a reader."""

import ast
import json
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from console import theming

ROOT = Path(__file__).parents[1]
LONGEST, MEDIAN, SHORTEST = 500, 150, 25
ZONES, ZONE_LITERALS = ("local", "cloud"), 20
"""Code asks for an engine's zone by the constants of backends.types; only settings spell the names out."""
FILES_OF_ONE_NAME, CLASSES_OF_ONE_NAME = 5, 5
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


@pytest.mark.proves("S35")
def test_backends_needs_no_terminal_library_no_extra_and_its_import_touches_nothing() -> None:
    found = import_all("backends", "textual", "rich", "console", *EXTRAS)
    assert found["events"] == []
    assert len(found["modules"]) == len(sources("backends")) - len([*(ROOT / "backends").rglob("__main__.py")])


@pytest.mark.proves("S35")
def test_the_console_needs_no_extra_and_its_import_touches_nothing() -> None:
    found = import_all("console", *EXTRAS)
    assert found["events"] == []
    assert len(found["modules"]) == len(sources("console"))


@pytest.mark.parametrize("package", ["backends", "console"])
def test_files_fit_a_reader(package: str) -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in sources(package)}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
    assert statistics.median(lengths.values()) <= MEDIAN


def test_a_short_file_is_read_by_more_than_one() -> None:
    short = {
        name
        for name, path in modules().items()
        if path.name not in ("__init__.py", "__main__.py")
        and len(path.read_text("utf-8").splitlines()) < SHORTEST
        and len(importers()[name]) < 2
    }
    assert short == set(), "join it to the one file that imports it"


def test_zones_are_compared_by_their_constants() -> None:
    found = Counter(
        name
        for name in modules()
        if not name.startswith("backends.settings")
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Constant) and node.value in ZONES
    )
    assert found.total() <= ZONE_LITERALS, found.most_common()


def test_a_name_means_one_file_and_one_class() -> None:
    files = Counter(path.name for path in modules().values() if not path.name.startswith("__"))
    assert len(twice(files)) <= FILES_OF_ONE_NAME, twice(files)
    classes = Counter(
        node.name for name in modules() for node in ast.walk(tree(name)) if isinstance(node, ast.ClassDef)
    )
    assert len(twice(classes)) <= CLASSES_OF_ONE_NAME, twice(classes)


def test_every_theme_loads() -> None:
    files = {path.stem for path in (ROOT / "themes").glob("*.toml")}
    assert set(theming.names()) == files >= {theming.DEFAULT}
    roles = {name: set(theming.read(name).roles) for name in theming.names()}
    assert all(each == roles[theming.DEFAULT] for each in roles.values())
    assert {theming.theme(name).name for name in theming.names()} == files


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    paths = [*sources("backends"), *sources("console")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text("utf-8"))


@cache
def importers() -> dict[str, set[str]]:
    """For each module of ours, those of ours that import it."""
    found = defaultdict[str, set[str]](set)
    for module in modules():
        for name in imports(tree(module)):
            found[name].add(module)
    return found


def imports(module: ast.Module) -> Iterator[str]:
    """The modules of ours that are imported, wherever the import stands."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module in modules():
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules() else node.module


def twice(names: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in names.items() if count > 1}
