"""Incidents played at a rehearsed core: what the screen says, that nothing wrong is green, and what is on record."""

import os
import re
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from benchmarks.evaluation.incident_scenes import SCENES, SETTINGS, Scene
from benchmarks.evaluation.rehearsed_core import RehearsedCore, rehearsed_core
from tests.e2e.terminal import WAIT_S, Terminal

QUICK = """
[alerts]
clear_after_s = 0.5
[telemetry]
interval_s = 0.2
"""


class Rehearsal(NamedTuple):
    core: RehearsedCore
    console: Terminal


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    home = tmp_path_factory.mktemp("incidents") / "claw"
    with rehearsed_core(home, SETTINGS + QUICK) as core:
        console = Terminal(os.environ | {"CLAW_HOME": str(home)}, "--rehearse", rows=60, columns=160)
        try:
            console.see("● local .* cloud .* REHEARSAL")
            yield Rehearsal(core, console)
        finally:
            console.child.close(force=True)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_an_incident_is_on_screen_while_it_lasts_and_on_record_afterwards(
    rehearsal: Rehearsal, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    core, console = rehearsal
    monkeypatch.setenv("CLAW_HOME", str(core.home))
    for step in scene.start:
        step(core)
    with core.asking(scene.prompt, model=scene.model, agent=scene.agent, callers=scene.callers):
        console.see(rf"[▲△] .*({scene.says})")
        console.see(scene.header)
        if scene.engine:
            console.until(rf"● {scene.engine}", gone=True)
        for step in scene.end:
            step(core)
    deadline = time.monotonic() + WAIT_S
    while not any(re.fullmatch(scene.key, key) for key in core.recorded()):
        assert time.monotonic() < deadline, core.recorded()
