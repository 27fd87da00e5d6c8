"""Every parser of text from outside raises its own errors alone: some thousand changed inputs, in short."""

from benchmarks.fuzz import fuzz
from benchmarks.fuzz_targets import TARGETS


def test_s35_no_changed_input_crashes_or_hangs_a_parser() -> None:
    found = fuzz(TARGETS, 6_000, seed=7, processes=1)
    assert [finding for tried in found.values() for finding in tried.findings] == []
    assert all(tried.accepted or tried.refused for tried in found.values())
    assert sum(tried.refused for tried in found.values()) > 1_000
