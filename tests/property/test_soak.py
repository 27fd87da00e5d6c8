"""A core is as large as it was after some hundred requests of eleven agents, in short."""

import asyncio
from pathlib import Path

from benchmarks.resilience import soak


def test_i10_no_task_or_thread_is_left_over_and_every_answer_has_its_row(tmp_path: Path) -> None:
    found = asyncio.run(soak.measure(tmp_path, requests=240, seed=3, parts=6))
    assert found["requests"] == 240
    assert found["how they ended"]["answered"] > 200
    assert found["answered without a row"] == 0
    assert found["tasks, growth"] <= 0
    assert found["threads, growth"] <= 1
    assert found["descriptors, growth"] <= soak.PARALLEL
