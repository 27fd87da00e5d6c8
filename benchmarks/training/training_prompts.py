"""The training prompts: hand-written frames of `benchmarks/training/prompts/`, filled from slots and varied.

There is a file for each intent and a line for each frame. `{slot}` is filled from slots.txt or materials.txt, `\\n` is
a line break, and a leading `! ` marks a prompt that a 14b model would likely answer badly. All of it was written for
this purpose; none comes from an evaluation set.
"""

import random
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.training.prompt_materials import FOLDER, PASTED, Slots, pick, sections, slots

INTENTS = (
    *("audit", "chat", "classification", "coding", "creative-writing", "debugging", "extraction", "health-check"),
    *("maths-logic", "planning", "research", "rewriting", "summarising", "tool-use", "translation", "trend-analysis"),
)
SLOT = re.compile(r"\{([a-z]+)\}")
OPEN, SHUT = "\ue000", "\ue001"
"""Private characters that stand around pasted material while a prompt is put together."""


class Prompt(NamedTuple):
    text: str
    intent: str
    hard: bool
    frame: str
    pasted: tuple[tuple[int, int], ...] = ()
    """Where material stands in the text: (start, end) pairs."""
    combined: bool = False
    """Was the frame put together from phrases?"""


def prompts(materials: Sequence[str] = (), variants: int = 14, seed: int = 20261124) -> list[Prompt]:
    """All frames, each filled `variants` times (five times where nothing is filled); the same for the same seed.

    `materials` are further texts to work on, of any kind: the more there are, the less the material tells.
    """
    dice = random.Random(seed)
    found, phrases = slots(materials), sections("phrases").keys()
    made: dict[str, Prompt] = {}
    for intent, frame in frames():
        hard, bare = frame.startswith("! "), frame.removeprefix("! ")
        names = SLOT.findall(bare)
        combined = not phrases.isdisjoint(names)
        times = variants * min(len(names), 3) if names else 5
        for turn in range(times):
            marked = filled(bare, found, dice)
            marked = marked if turn == 0 else varied(marked, found, dice)
            text, pasted = unmarked(marked)
            made.setdefault(text, Prompt(text, intent, hard, frame, pasted, combined))
    return list(made.values())


def frames() -> Iterator[tuple[str, str]]:
    """(intent, frame) pairs."""
    for intent in INTENTS:
        for line in (FOLDER / f"{intent}.txt").read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield intent, line


def filled(frame: str, found: Slots, dice: random.Random) -> str:
    def filling(match: re.Match[str]) -> str:
        name = match[1]
        if name not in found and name not in ("any", "prose"):
            return match[0]
        content = pick(name, found, dice)
        if name not in PASTED:
            return SLOT.sub(filling, content)
        if name in ("any", "prose") and dice.random() < 0.15:
            content = f"{content}\\n\\n{pick(name, found, dice)}"
        return f"{OPEN}{content}{SHUT}"

    return SLOT.sub(filling, frame).replace("\\n", "\n").replace("\\t", "\t")


def varied(text: str, found: Slots, dice: random.Random) -> str:
    """The same request as others would send it: order, case, frills, rules, a role before it, a trick behind it."""

    def some(name: str) -> str:
        return filled(dice.choice(found[name]), found, dice)

    order, blank, material = text.partition("\n")
    split = bool(blank) and OPEN in material and OPEN not in order
    if dice.random() < 0.35:
        order = order[:1].lower() + order[1:]
    if dice.random() < 0.15:
        order = order.rstrip(".?!")
    if dice.random() < 0.3 and OPEN not in order:
        order = some("opener") + order
    if dice.random() < 0.3 and (split or not blank):
        order += some("closer")
    if dice.random() < 0.15:
        order += f" {some('rule')}" if split or not blank else ""
    if split and dice.random() < 0.3:
        text = f"{material.strip()}\n\n{order}"
    elif split and dice.random() < 0.2:
        text = f"{order} {some('lead')}\n{material.strip()}"
    else:
        text = f"{order}{blank}{material}"
    if dice.random() < 0.15:
        text = f"{text}\n\n{some('rule')}"
    if dice.random() < 0.08:
        text = f"{some('context')}{dice.choice((' ', chr(10)))}{text}"
    if dice.random() < 0.15:
        text = f"{some('role')}\n\n{text}"
    if dice.random() < 0.06:
        text = f"{text}{dice.choice((' ', chr(10)))}{OPEN}{some('trick')}{SHUT}"
    return text


def unmarked(marked: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text itself, and where its material stands."""
    parts, spans, place, opened = [], [], 0, 0
    for part in re.split(f"([{OPEN}{SHUT}])", marked):
        if part == OPEN:
            opened = place
        elif part == SHUT:
            spans.append((opened, place))
        else:
            parts.append(part)
            place += len(part)
    return "".join(parts), tuple(spans)
