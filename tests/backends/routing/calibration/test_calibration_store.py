"""Calibrations on disk: the one in force, those before it, the way back, and what a broken file does."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import WrongUse
from backends.routing.calibration.calibration_store import Calibration, CalibrationStore
from backends.routing.quality.platt_scaling import Correction
from backends.types import Classes

HARSH = Calibration(weights="v1", local=Correction(slope=1.0, shift=-2.0, labels=30), gains=(0.0, 0.1, 0.5))
SAID = Classes(intent="chat", intent_p=0.9, complexity=0.3, p_local=0.7, p_cloud=0.8, weights="v1")


def test_without_any_training_the_shipped_state_is_in_force(tmp_path: Path) -> None:
    shelf = CalibrationStore(tmp_path / "router")
    assert shelf.current.version == 0
    assert shelf.versions() == []
    assert len(shelf.current.scale.quantiles) > 2
    assert shelf.current.correct(SAID) is SAID
    with pytest.raises(WrongUse, match="nothing to take back"):
        shelf.roll_back()


def test_each_training_is_kept_and_can_be_taken_back(tmp_path: Path) -> None:
    shelf = CalibrationStore(tmp_path / "router")
    assert [shelf.add(HARSH).version, shelf.add(HARSH).version] == [1, 2]
    assert CalibrationStore(tmp_path / "router").current.version == 2
    assert shelf.roll_back().version == 1
    assert shelf.roll_back().version == 0
    assert shelf.versions() == [1, 2]
    assert shelf.add(HARSH).version == 3, "what was taken back is not overwritten"
    files = [*(tmp_path / "router").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert sorted(path.name for path in files) == ["calibration", *(f"calibration-{n}.json" for n in (1, 2, 3))]


def test_another_process_s_training_is_taken_when_told(tmp_path: Path) -> None:
    mine, theirs = CalibrationStore(tmp_path / "router"), CalibrationStore(tmp_path / "router")
    theirs.add(HARSH)
    assert mine.current.version == 0
    assert mine.reload().version == 1


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff", b'{"gains": 3}'])
def test_a_file_that_cannot_be_read_is_the_shipped_state(tmp_path: Path, broken: bytes) -> None:
    shelf = CalibrationStore(tmp_path / "router")
    shelf.add(HARSH)
    (tmp_path / "router" / "calibration-1.json").write_bytes(broken)
    assert shelf.reload().version == 0
    with pytest.raises(WrongUse, match="calibration 1 cannot be read"):
        shelf.read(1)
    (tmp_path / "router" / "calibration").write_bytes(broken)
    assert CalibrationStore(tmp_path / "router").current.version == 0


def test_chances_are_corrected_and_what_the_weights_said_is_kept(tmp_path: Path) -> None:
    learned = CalibrationStore(tmp_path / "router").add(HARSH)
    corrected = learned.correct(SAID)
    assert corrected.p_local == pytest.approx(0.24, abs=0.01)
    assert corrected.complexity == SAID.complexity
    assert (corrected.p_cloud, corrected.said, corrected.weights) == (0.8, (0.7, 0.8), "v1+1")
    assert learned.scale.quantiles == HARSH.gains


def test_other_weights_than_those_that_were_corrected_are_left_alone(tmp_path: Path) -> None:
    learned = CalibrationStore(tmp_path / "router").add(HARSH)
    newer = Classes(intent="chat", intent_p=0.9, complexity=0.3, p_local=0.7, p_cloud=0.8, weights="v2")
    assert learned.correct(newer) is newer


@given(st.floats(0.05, 3), st.floats(-5, 5), st.floats(0, 1), st.floats(0, 1))
def test_a_correction_keeps_the_order_of_prompts_and_of_engines(
    slope: float, shift: float, one: float, two: float
) -> None:
    learned = Calibration(version=1, weights="v1", local=Correction(slope=slope, shift=shift), gains=(0.0, 0.5))

    def at(p: float) -> Classes:
        return learned.correct(Classes(intent="c", intent_p=1, complexity=0, p_local=p, p_cloud=0.5, weights="v1"))

    low, high = at(min(one, two)), at(max(one, two))
    assert low.p_local <= high.p_local
    assert all(each.p_local <= each.p_cloud <= 1 for each in (low, high))
