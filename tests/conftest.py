"""What holds for every test: a home of its own, UTC, and an event loop that nobody may block."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

# A busy machine is no fault of what is tested.
settings.register_profile("claw", deadline=None)
settings.load_profile("claw")

VARIABLES = (
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "OLLAMA_HOST",
    "CLAW_GEMINI_BASE_URL",
    "CLAW_CONTROL_TOKEN",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_COLOR",
)


@pytest.fixture(autouse=True)
def _guarded_loop() -> Iterator[BlockBuster]:
    """A blocking call that our own code makes on the event loop fails the test."""
    with blockbuster_ctx(scanned_modules=["backends", "console"]) as guard:
        # Coverage locks its own table when threads meet a new line, and stands in whoever's frame that is.
        guard.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", {"lock_data"})
        yield guard


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty CLAW_HOME, and none of the machine's own variables."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLAW_HOME", str(tmp_path / "claw"))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    return tmp_path / "claw"
