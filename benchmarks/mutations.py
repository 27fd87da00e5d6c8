"""Would the tests notice? Breaks the code that a line of docs/reliability.md rests on, and runs the line's tests.

    python -m benchmarks.mutations [ID …] [--json]

Each mutation of tests/mutations/ is made in a copy of the repository: a few words are replaced in one file, and the
tests of its line must fail. "caught" is what is wanted; "survived" means that no test noticed; "unsound" that the tests
fail without it, or that its words are not in the file exactly once. Exit code 0 if all were caught. A run over all of
them ends with the lines of which there is none.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from docs.generate.proofs import IDS, proofs

ROOT = Path(__file__).parents[1]
COPIED = ("backends", "console", "themes", "tests", "benchmarks", "docs", "pyproject.toml")
PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "--no-cov", "-p", "no:cacheprovider", "--timeout=90")

Verdict = Literal["caught", "survived", "unsound"]


class Mutation(Struct, frozen=True, forbid_unknown_fields=True):
    """`old` stands once in `file`, and becomes `new`. `tests` are those that must notice, where not all of its line."""

    proves: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ()


class Run(Struct, frozen=True):
    """What became of one mutation. `said` names the test that noticed."""

    proves: str
    file: str
    verdict: Verdict
    seconds: float
    said: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", metavar="ID", help="lines as L3 or S16; all of them by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    chosen = [one for one in mutations() if not args.ids or one.proves in args.ids]
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        _copy(copy)
        for run in _run_all(copy, chosen):
            runs.append(run)
            print(f"{run.proves:<5}{run.verdict:<10}{run.seconds:>6.1f} s  {run.file}  {run.said}", file=sys.stderr)
    missing = [] if args.ids else sorted(IDS - {one.proves for one in chosen}, key=_in_order)
    if args.json:
        print(json.dumps({"runs": msgspec.to_builtins(runs), "without": missing}))
    else:
        caught = {run.proves for run in runs} - {run.proves for run in runs if run.verdict != "caught"}
        print(f"{len(caught)} of {len(IDS)} lines are guarded")
        print(*(f"without a mutation: {' '.join(missing)}" for _ in missing[:1]))
    return 0 if all(run.verdict == "caught" for run in runs) else 1


def mutations(folder: Path = ROOT / "tests" / "mutations") -> list[Mutation]:
    """Those of every file in the folder, in the order of their lines. Raises ValueError for an unknown line."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        found += msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8"))["mutation"], list[Mutation])
    for one in found:
        if one.proves not in IDS:
            raise ValueError(f"{one.proves} is no line of docs/reliability.md")
    return sorted(found, key=lambda one: _in_order(one.proves))


def _in_order(id: str) -> tuple[str, int]:
    return id[0], int(id[1:])


def _copy(to: Path) -> None:
    leave = shutil.ignore_patterns("__pycache__", "node_modules", ".*")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=leave)
        else:
            shutil.copy(source, to / name)


def _run_all(copy: Path, chosen: Sequence[Mutation]) -> Iterator[Run]:
    proved, sound = proofs(), dict[tuple[str, ...], bool]()
    for one in chosen:
        began = time.monotonic()
        tests = one.tests or tuple(proved.get(one.proves, ()))
        verdict, said = _verdict(copy, one, tests, sound)
        yield Run(one.proves, one.file, verdict, round(time.monotonic() - began, 1), said)


def _verdict(
    copy: Path, one: Mutation, tests: tuple[str, ...], sound: dict[tuple[str, ...], bool]
) -> tuple[Verdict, str]:
    path = copy / one.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(one.old) != 1:
        return "unsound", f"its words are there {text.count(one.old)} times"
    if not tests:
        return "survived", "there is no test"
    if tests not in sound:
        sound[tests] = _passes(copy, tests)[0]
    if not sound[tests]:
        return "unsound", "the tests fail without it"
    path.write_text(text.replace(one.old, one.new), encoding="utf-8")
    try:
        ast.parse(path.read_text(encoding="utf-8"))
        passed, said = _passes(copy, tests)
    except SyntaxError:
        return "unsound", "with it the file is no Python"
    finally:
        path.write_text(text, encoding="utf-8")
    return ("survived" if passed else "caught"), said


def _passes(copy: Path, tests: Sequence[str]) -> tuple[bool, str]:
    env = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([*PYTEST, *tests], cwd=copy, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"pytest did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    failed = (line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR")))
    return done.returncode == 0, next(failed, "")[:150]


if __name__ == "__main__":
    sys.exit(main())
