"""What does the privacy gate miss, and what does it hold back without need, on a corpus of our own?

    python -m benchmarks.evaluation.privacy [--seed N] [--file NAME] [--show]

The rows are in `benchmarks/evaluation/private/*.txt`, one a line, as `kind | text`; their values are invented for each
seed. Each batch (first, fresh, third, fourth) was written after the rules had been corrected by the batch before, and
was measured before it corrected them in turn.
"""

import argparse
import random
from pathlib import Path

from msgspec import Struct

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from backends.types import Message, Request
from benchmarks.evaluation.privacy_values import filled

FOLDER = Path(__file__).parent / "private"
HARMLESS = frozenset(("hash", "uuid", "placeholder", "badsum", "code", "public", "cipher", "numbers", "plain"))


class Example(Struct, frozen=True):
    """One prompt. `kind` says what it holds, or what a harmless one imitates."""

    kind: str
    text: str

    @property
    def sensitive(self) -> bool:
        return self.kind not in HARMLESS


def examples(name: str, seed: int) -> list[Example]:
    """A file's rows, filled by dice of `seed`."""
    dice = random.Random(seed)
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    parted = (line.split(" | ", 1) for line in lines if line)
    return [Example(kind, filled(frame, dice)) for kind, frame in parted]


def wrong(gate: PrivacyGate, rows: list[Example]) -> list[Example]:
    """The rows that the gate judges otherwise than their author."""
    return [row for row in rows if sensitive(gate, row.text) is not row.sensitive]


def sensitive(gate: PrivacyGate, text: str) -> bool:
    request = Request(id="r", messages=(Message(role="user", text=text),))
    return gate.inspect(request, agent_sensitive=False).sensitive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", action="append")
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    gate = PrivacyGate(Privacy())
    for name in given.file or sorted(path.stem for path in FOLDER.glob("*.txt")):
        rows = examples(name, given.seed)
        for label, part in (
            ("found", [r for r in rows if r.sensitive]),
            ("passed", [r for r in rows if not r.sensitive]),
        ):
            if not part:
                continue
            misses = wrong(gate, part)
            print(f"{name}: {label} {len(part) - len(misses)} of {len(part)} ({1 - len(misses) / len(part):.3f})")
            for row in misses if given.show else ():
                print(f"    {row.kind:18} {row.text!r}"[:230])


if __name__ == "__main__":
    main()
