"""The cache pane's faces as pictures: the semantic tier loading, on, off and failed, narrow and wide."""

from typing import Any

import pytest
from msgspec.structs import replace

from backends.types import CacheStats
from console.state import ViewState
from tests.console.scene import cache
from tests.snapshots.test_screens import Compare, Still, pressing, scene

HISTORY = {
    "cache.hit_share": tuple(0.1 + 0.01 * step for step in range(24)),
    "cache.exact_share": tuple(0.05 + 0.01 * step for step in range(24)),
    "cache.semantic_share": tuple(0.02 + 0.004 * step for step in range(24)),
}


def shown(**changes: Any) -> ViewState:
    return scene(cache=replace(cache(), **changes), history=HISTORY)


FACES = {
    "on": shown(),
    "loading": shown(semantic="loading", embedder="", vectors=0, wrong_share=None, rechecked=0, complaints=0),
    "off": shown(
        semantic="off", embedder="", vectors=0, semantic_detail="the embedding model is not installed: run `make run`"
    ),
    "failed": shown(
        semantic="failed", embedder="", vectors=0, semantic_detail="the embedding model did not load (MemoryError)"
    ),
    "empty": scene(cache=CacheStats(semantic="loading"), history={}),
}


@pytest.mark.parametrize("name", list(FACES))
@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=["narrow", "wide"])
def test_cache_pane(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(Still(FACES[name]), terminal_size=size, run_before=pressing("3"))
