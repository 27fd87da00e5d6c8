"""The gate on our corpus, with random values: what it finds, and what it lets pass."""

import pytest

from backends.privacy import PrivacyGate
from backends.settings.privacy import Privacy
from benchmarks.evaluation.privacy import examples, wrong

GATE = PrivacyGate(Privacy())


@pytest.mark.parametrize("seed", [101, 102])
@pytest.mark.parametrize(
    ("name", "floor"),
    [
        ("first-secrets", 0.98),
        ("first-personal", 0.98),
        ("first-harmless", 0.98),
        ("fresh", 0.97),
        ("third", 0.97),
        ("fourth", 0.97),
        ("sentences", 0.98),
        ("files", 0.97),
        ("attempts", 0.98),
    ],
)
def test_nearly_all_rows_are_judged_as_their_author_did(name: str, floor: float, seed: int) -> None:
    rows = examples(name, seed)
    missed = wrong(GATE, rows)
    assert len(missed) <= (1 - floor) * len(rows), [(row.kind, row.text[:80]) for row in missed]
