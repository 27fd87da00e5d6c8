"""What does the privacy gate miss, what does it hold back without need, and what does it cost?

    python -m benchmarks.evaluation.privacy [--seed N] [--file NAME] [--show]
    python -m benchmarks.evaluation.privacy --data DIR [--dataset D] [--by-kind] [--show]
    python -m benchmarks.evaluation.privacy --pieces DIR [--show]
    python -m benchmarks.evaluation.privacy --hostile

The first measures rows of our own in `benchmarks/evaluation/private/*.txt`, one a line, as `kind | text`; their values
are invented for each seed. Each batch (first, fresh, third, fourth, sentences, files, attempts) was written after the
rules had been corrected by the batch before, and was measured before it corrected them in turn. `--data` measures
labelled rows that others wrote; `--pieces` what is flagged in 2 kB pieces of agent-sessions, agent-bodies and
open-prompts in DIR, and the CPU time by detector; `--hostile` the worst times on texts of 200 kB that are built against
each pattern. Only `--show` prints texts.
"""

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from backends.privacy import PrivacyGate
from backends.privacy.detectors.kinds import DETECTORS
from backends.routing.evaluate import Figure
from backends.settings.privacy import Privacy
from backends.types import Message, Request
from benchmarks.evaluation import privacy_corpora, privacy_speed
from benchmarks.evaluation.privacy_values import filled

FOLDER = Path(__file__).parent / "private"
HARMLESS = frozenset(("hash", "uuid", "placeholder", "badsum", "code", "public", "cipher", "numbers", "plain"))
SHOWN = 300
"""Characters of a row or a piece that --show prints."""


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", action="append")
    parser.add_argument("--data", type=Path, metavar="DIR")
    parser.add_argument("--dataset", metavar="D")
    parser.add_argument("--by-kind", action="store_true")
    parser.add_argument("--pieces", type=Path, metavar="DIR")
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--show", action="store_true")
    given = parser.parse_args()
    if given.data is not None:
        print("\n".join(_of_corpora(given.data, given.dataset, by_kind=given.by_kind, show=given.show)))
    if given.pieces is not None:
        print("\n".join(_of_pieces(given.pieces, show=given.show)))
    if given.hostile:
        print("\n".join(_of_hostile_texts()))
    if given.data is None and given.pieces is None and not given.hostile:
        print(
            "\n".join(
                _of_our_own(given.file or sorted(path.stem for path in FOLDER.glob("*.txt")), given.seed, given.show)
            )
        )


def _of_our_own(names: list[str], seed: int, show: bool) -> Iterator[str]:
    gate = PrivacyGate(Privacy())
    for name in names:
        rows = examples(name, seed)
        for label, part in (
            ("found", [r for r in rows if r.sensitive]),
            ("passed", [r for r in rows if not r.sensitive]),
        ):
            if not part:
                continue
            misses = wrong(gate, part)
            yield f"{name}: {label} {len(part) - len(misses)} of {len(part)} ({1 - len(misses) / len(part):.3f})"
            for row in misses if show else ():
                yield f"    {row.kind:18} {row.text!r}"[:SHOWN]


def _of_corpora(data: Path, name: str | None, *, by_kind: bool, show: bool) -> Iterator[str]:
    yield from map(_line, privacy_corpora.corpora(data, name, by_kind=by_kind))
    for dataset, kind, judged in privacy_corpora.misjudged(data, name) if show else ():
        yield f"    {dataset}, {kind}, found {sorted(judged.kinds)}: {judged.text!r}"[:SHOWN]


def _of_pieces(folder: Path, *, show: bool) -> Iterator[str]:
    for name, pieces in privacy_corpora.pieces_of(folder).items():
        held = privacy_corpora.flagged(pieces)
        yield _line(privacy_corpora.flag_rate(name, pieces, held))
        for judged in held if show else ():
            yield f"    {sorted(judged.kinds)}: {judged.text!r}"
    for name, requests in (
        ("agent-bodies", privacy_corpora.bodies(folder)),
        ("agent-sessions", privacy_corpora.sessions(folder)),
    ):
        if requests:
            yield f"{name}, CPU ms a kB:"
            spent = privacy_speed.by_detector(requests)
            yield from (f"  {part:24} {spent[part]:.4f}" for part in sorted(spent, key=spent.__getitem__, reverse=True))


def _of_hostile_texts() -> Iterator[str]:
    """A line for each detector: its worst text of all."""
    worst = privacy_speed.worst_in_general()
    against = dict.fromkeys(worst, "runs in general")
    for pattern in privacy_speed.patterns():
        for name, found in privacy_speed.worst_times(pattern).items():
            if found > worst[name]:
                worst[name], against[name] = found, f"{pattern.file}.{pattern.name}"
    yield f"worst CPU ms of {len(DETECTORS)} detectors on 200 kB:"
    for name in sorted(worst, key=worst.__getitem__, reverse=True):
        yield f"  {name:24} {worst[name][0] * 1000:7.0f}  against {against[name]}: {worst[name][1]!r}"


def _line(figure: Figure) -> str:
    span = "" if figure.low is None or figure.high is None else f" ({figure.low:.3f}–{figure.high:.3f})"
    return f"{figure.dataset}: {figure.of}: {figure.measure} {figure.value:.3f} of {figure.rows}{span}"


if __name__ == "__main__":
    main()
