"""What several end-to-end tests stand on."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def stage() -> Iterator[dict[str, Any]]:
    """Both twins in a child process, speaking scripted text."""
    child = subprocess.Popen(
        [sys.executable, "-m", "backends.rehearsal", "--scripted"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdin is not None
    yield json.loads(child.stdout.readline())
    child.stdin.close()
    child.wait(timeout=10)
    child.stdout.close()
