"""The training prompts: hand-written frames of `benchmarks/prompts/`, filled from its slots, with everyday variation.

A file an intent, a frame a line; `{slot}` is filled from slots.txt, `\\n` is a line end, and a leading `! ` marks a
prompt that a 14b model would likely answer badly. All was written for this purpose; none comes from an evaluation set.
"""

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "prompts"
SLOT = re.compile(r"\{([a-z]+)\}")

WORKED_ON = ("text", "longtext", "mail", "sentence")
"""Slots for the material that a prompt works on."""

OPENERS = ("", "", "", "", "", "hey, ", "please: ", "quick one: ", "Hi! ", "Task: ", "ok so ")
CLOSERS = ("", "", "", "", "", " please", " thanks", " pls", " asap", " Keep it brief.", " Answer in one line.")
ROLES = (
    "You are {agent}.",
    "You are {agent}, one of eleven agents on a small server.",
    "Context: night shift, be terse.",
    "[{agent}] incoming request",
    "User:",
    "Message from {name}:",
)


class Prompt(NamedTuple):
    text: str
    intent: str
    hard: bool
    frame: str


def prompts(materials: Sequence[str] = (), variants: int = 14, seed: int = 20261124) -> list[Prompt]:
    """All frames, each filled `variants` times (three times where nothing is filled); the same for the same seed.

    `materials` are further texts to work on, of any kind: the more there are, the less the material tells.
    """
    dice = random.Random(seed)
    slots = _slots()
    for name in WORKED_ON:
        slots[name] += [text for text in materials if (len(text) > 160) == (name in ("text", "longtext"))][:400]
    made: dict[str, Prompt] = {}
    for intent, frame in frames():
        hard, bare = frame.startswith("! "), frame.removeprefix("! ")
        for turn in range(variants if SLOT.search(bare) else 3):
            text = _filled(bare, slots, dice)
            text = text if turn == 0 else _varied(text, slots, dice)
            made.setdefault(text, Prompt(text, intent, hard, frame))
    return list(made.values())


def frames() -> Iterator[tuple[str, str]]:
    """(intent, frame) pairs."""
    for path in sorted(FOLDER.glob("*.txt")):
        if path.stem != "slots":
            for line in path.read_text(encoding="utf-8").splitlines():
                if line.strip():
                    yield path.stem, line


def _slots() -> dict[str, list[str]]:
    slots: dict[str, list[str]] = {}
    name = ""
    for line in (FOLDER / "slots.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]") and line[1:-1].isalpha():
            name = line[1:-1]
        elif line:
            slots.setdefault(name, []).append(line)
    return slots


def _filled(frame: str, slots: dict[str, list[str]], dice: random.Random) -> str:
    filled = SLOT.sub(lambda match: dice.choice(slots[match[1]]) if match[1] in slots else match[0], frame)
    return filled.replace("\\n", "\n").replace("\\t", "\t")


def _varied(text: str, slots: dict[str, list[str]], dice: random.Random) -> str:
    order, blank, material = text.partition("\n")
    if blank and dice.random() < 0.25:
        text = f"{material.strip()}\n\n{order}"
    if dice.random() < 0.35:
        text = text[:1].lower() + text[1:]
    if dice.random() < 0.15:
        text = text.rstrip(".?!")
    if "\n" not in text and dice.random() < 0.6:
        text = dice.choice(OPENERS) + text + dice.choice(CLOSERS)
    if dice.random() < 0.15:
        text = f"{_filled(dice.choice(ROLES), slots, dice)}\n\n{text}"
    return text
