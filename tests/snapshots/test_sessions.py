"""Sessions, refused requests and alerts that can be answered, as pictures: each face, narrow and wide."""

import pytest

from backends.types import CacheStats
from console.state import CoreConnection, ViewState, connect
from tests.console.scene import choice_alerts, refusals, sessions
from tests.console.scene_exchanges import NOW
from tests.snapshots.test_screens import Compare, Still, pressing, scene

BUSY = scene(sessions=sessions(), refusals=refusals(), alerts=choice_alerts())
FACES = {
    "live": BUSY,
    "empty": scene(sessions=()),
    "loading": ViewState(),
    "lost": connect(BUSY, CoreConnection(phase="lost", mode="attached", since=NOW)),
    "failed": connect(BUSY, CoreConnection(phase="failed", mode="attached", since=NOW, line="update claw")),
}
SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["narrow", "wide"])


@SIZES
@pytest.mark.parametrize("name", list(FACES))
def test_sessions(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(Still(FACES[name]), terminal_size=size, run_before=pressing("s"))


@SIZES
@pytest.mark.parametrize(
    "keys",
    [("s", "down", "enter"), ("s", "down", "P"), ("2",), ("5",), ("5", "down"), ("5", "a")],
    ids=["session", "pause", "refused", "loop", "private", "asked"],
)
def test_what_can_be_done(snap_compare: Compare, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    assert snap_compare(Still(BUSY), terminal_size=size, run_before=pressing(*keys))


def test_a_prefix_tier_that_no_engine_tells(snap_compare: Compare) -> None:
    state = scene(cache=CacheStats(lookups=12, exact_hits=2, entries=2, bytes=900, semantic="off"), history={})
    assert snap_compare(Still(state), terminal_size=(80, 24), run_before=pressing("3"))
