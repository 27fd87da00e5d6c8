import pytest

from backends.intervals import wilson


@pytest.mark.parametrize(
    ("count", "of", "expected"),
    [(0, 50, (0.0, 0.0, 0.071)), (1, 50, (0.02, 0.0035, 0.105)), (3, 66, (0.0455, 0.0156, 0.125))],
)
def test_wilsons_interval(count: int, of: int, expected: tuple[float, float, float]) -> None:
    found = wilson(count, of)
    assert found is not None
    assert found == pytest.approx(expected, abs=6e-4)
    assert wilson(0, 0) is None
