"""What the training prompts are filled with: slots, pasted material by kind, and the text around a request."""

import inspect
import random
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "prompts"
LISTS = ("slots", "phrases", "materials", "around")
"""Files with sections, `[name]` above a line each; the other files of the folder are intents."""

WORKED_ON = ("text", "longtext", "mail", "sentence")
"""Slots that further texts are added to."""

PROSE = ("text", "longtext", "mail", "news", "report", "story", "speech", "abstract")
ANY = (
    *PROSE,
    *("thread", "notes", "minutes", "contract", "reviews", "alerts", "table", "jsonblob", "code", "trace", "log"),
    *("config", "findings", "headlines", "commits", "poem", "transcript", "ticket", "page", "foreign"),
)
PASTED = frozenset({*ANY, "any", "prose", "sentence", "error", "status", "series"})
"""Slots whose content is worked on, as against those that complete a request, such as a language or a name."""

Slots = dict[str, list[str]]


def slots(materials: Sequence[str] = ()) -> Slots:
    """Every slot's fillings. `materials` are further texts to work on: the more there are, the less they tell."""
    found: Slots = {}
    for stem in LISTS:
        for name, lines in sections(stem).items():
            found.setdefault(name, []).extend(lines)
    for name in WORKED_ON:
        found[name] += [text for text in materials if (len(text) > 160) == (name in ("text", "longtext"))][:400]
    found["code"] += standard_library()
    return found


def sections(stem: str) -> Slots:
    """The lines of one file by the section that they stand in."""
    found: Slots = {}
    name = ""
    for line in (FOLDER / f"{stem}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1].isalpha() and line[1:-1].islower():
            name = line[1:-1]
        elif line:
            found.setdefault(name, []).append(line)
    return found


def pick(name: str, found: Slots, dice: random.Random) -> str:
    """One filling; `any` and `prose` draw a kind first, so that no kind outweighs the others by its number."""
    kinds = {"any": ANY, "prose": PROSE}.get(name, (name,))
    return dice.choice(found[dice.choice(kinds)])


def standard_library() -> list[str]:
    """Functions of Python's own library, 4 to 24 lines each: code that nobody wrote for this purpose."""
    import argparse
    import configparser
    import csv
    import heapq
    import shutil
    import statistics
    import textwrap

    modules = (argparse, configparser, csv, heapq, shutil, statistics, textwrap)
    sources = [
        textwrap.dedent(inspect.getsource(function))
        for module in modules
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
    ]
    return [source.rstrip().replace("\n", "\\n") for source in sources if 4 <= source.count("\n") <= 24]
