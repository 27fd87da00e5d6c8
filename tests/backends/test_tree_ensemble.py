"""Trees are walked from their roots to their leaves."""

import numpy as np
import pytest

from backends.tree_ensemble import TreeEnsemble, sigmoid


def test_an_ensemble_is_walked_to_its_leaves() -> None:
    """One tree: x0 <= 1 gives 2; else x1 <= 5 gives 3, else 4."""
    arrays = {
        "f.feature": np.array([0, 0, 1, 0, 0]),
        "f.threshold": np.array([1.0, 0, 5.0, 0, 0]),
        "f.left": np.array([1, 1, 3, 3, 4]),
        "f.right": np.array([2, 1, 4, 3, 4]),
        "f.value": np.array([0, 2.0, 0, 3.0, 4.0]),
        "f.roots": np.array([0]),
        "f.base": np.array(0.5),
        "f.depth": np.array(2),
    }
    found = TreeEnsemble(arrays, "f.").sums(np.array([[1.0, 9.0], [2.0, 5.0], [2.0, 6.0]]))
    assert found.tolist() == [2.5, 3.5, 4.5]
    assert sigmoid(np.array([0.0, 1e9])).tolist() == pytest.approx([0.5, 1.0])
