"""Which training prompts come near an evaluation prompt?

    python -m benchmarks.evaluation.near_duplicates --data DIR [--remove]

Near means two runs of four words in common, or one where a frame has at most ten words. The texts that fill the frames
are compared as well. Training on such lines would flatter the figures, so the list has to be empty. `--remove` deletes
them from `benchmarks/training/prompts/`.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.training.prompt_materials import FOLDER, LISTS, sections
from benchmarks.training.routing_data import intents
from benchmarks.training.training_prompts import frames

WORD = re.compile(r"[^\W_]+")
RUN, SHORT = 4, 10


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--remove", action="store_true")
    given = arguments.parse_args()
    found = list(near(given.data))
    for intent, frame, prompt in found:
        print(f"{intent}: {frame[:100]}\n    ~ {prompt[:100]!r}")
    print(f"{len(found)} near an evaluation prompt")
    if given.remove:
        for intent in {intent for intent, *_ in found}:
            path = FOLDER / f"{intent}.txt"
            gone = {frame for _, frame, _ in found}
            kept = [line for line in path.read_text("utf-8").splitlines() if line not in gone]
            path.write_text("\n".join(kept) + "\n", "utf-8")


def near(data: Path) -> Iterator[tuple[str, str, str]]:
    """(file, line, evaluation prompt) of each frame and each filling that comes too near one."""
    rows = [row.prompt for name in ("agents-intents", "agents-intents-2") for row in intents(data, name)]
    holders: dict[tuple[str, ...], set[int]] = {}
    for place, prompt in enumerate(rows):
        for run in runs(prompt):
            holders.setdefault(run, set()).add(place)
    fillings = ((stem, line) for stem in LISTS for lines in sections(stem).values() for line in lines)
    for intent, frame in (*frames(), *fillings):
        common: dict[int, int] = {}
        for run in runs(frame):
            for place in holders.get(run, ()):
                common[place] = common.get(place, 0) + 1
        enough = 1 if intent not in LISTS and len(WORD.findall(frame)) <= SHORT else 2
        places = [place for place, count in common.items() if count >= enough]
        if places:
            yield intent, frame, rows[places[0]]


def runs(text: str) -> set[tuple[str, ...]]:
    words = [word for word in WORD.findall(text.lower()) if word != "n"]
    return {tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


if __name__ == "__main__":
    main()
