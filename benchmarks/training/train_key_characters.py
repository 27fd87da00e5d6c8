"""Make `backends/privacy/detectors/key_characters.txt`: pairs of characters in keys against those in what agents read.

    python -m benchmarks.training.train_key_characters FOLDER …

Keys are drawn here, from the alphabets that vendors use. The other texts are all files of the folders: sources,
listings, logs, sessions (JSON is read as the strings in it). What may be a key or a hash in them is left out. The table
was made from agents' sessions and bodies, alpaca-eval's prompts, this repository's sources and documentation, and
Python's `asyncio` and `email`.
"""

import argparse
import gzip
import json
import re
import string
from collections import Counter
from collections.abc import Iterator
from math import log
from pathlib import Path
from random import Random

from backends.privacy.detectors import key_characters
from backends.privacy.detectors.key_characters import CLASSES, classes
from backends.privacy.text_window import RUN

TABLE = Path(key_characters.__file__).with_suffix(".txt")
LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALPHABETS = (
    DIGITS + "abcdef",
    DIGITS + LOWER,
    DIGITS + UPPER,
    *[DIGITS + UPPER + LOWER] * 4,
    *[DIGITS + UPPER + LOWER + "-_"] * 2,
    DIGITS + UPPER + LOWER + "+/",
)
KEYS, MOST_OF_ONE = 60_000, 20
"""Keys that are drawn, and how often one run counts: a header that stands in every file is no news."""

RANDOM = re.compile(r"[0-9a-fA-F]{16,}|[0-9a-f]{8}-[0-9a-f]{4}-|[A-Za-z0-9+/]{60,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    random = Random(7)
    keys = ("".join(random.choices(random.choice(ALPHABETS), k=random.randint(12, 48))) for _ in range(KEYS))
    runs = Counter(
        match[0] for text in texts(args.folders) for match in RUN.finditer(text) if not RANDOM.search(match[0])
    )
    there = pairs((key, 1) for key in keys)
    other = pairs((run, min(times, MOST_OF_ONE)) for run, times in runs.items())
    print(f"{len(runs)} runs")
    lines = []
    for first in CLASSES:
        known, usual = (
            sum(there[first + each] + 1 for each in CLASSES),
            sum(other[first + each] + 1 for each in CLASSES),
        )
        odds = [log((there[first + each] + 1) / known) - log((other[first + each] + 1) / usual) for each in CLASSES]
        if first == "0":
            odds[CLASSES.index("0")] = 0.0
        lines.append("".join(key_characters.letter(value) for value in odds))
    TABLE.write_text("\n".join(lines) + "\n")


def pairs(runs: Iterator[tuple[str, int]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for run, times in runs:
        said = classes(run)
        for at in range(len(said) - 1):
            counts[said[at : at + 2]] += times
    return counts


def texts(folders: list[Path]) -> Iterator[str]:
    for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", "replace")
        if ".json" in path.name:
            for line in text.splitlines() if ".jsonl" in path.name else [text]:
                yield from strings(json.loads(line))
        elif "\x00" not in text:
            yield text


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (each for inner in value.values() for each in strings(inner))
    elif isinstance(value, list):
        yield from (each for inner in value for each in strings(inner))


if __name__ == "__main__":
    main()
