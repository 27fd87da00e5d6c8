import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.cache.semantic.embedders import Embedded
from backends.cache.semantic.vector_index import Vector, VectorIndex


def _key(name: bytes) -> bytes:
    return hashlib.sha256(name).digest()


def _vector(seed: int, dimensions: int = 8) -> Vector:
    vector = np.random.default_rng(seed).normal(size=dimensions).astype(np.float32)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


def test_nearest_first_above_the_floor_and_no_more_than_asked() -> None:
    index = VectorIndex()
    base = np.eye(8, dtype=np.float32)
    index.add(_key(b"same"), b"p", base[0], 10)
    index.add(_key(b"near"), b"p", (base[0] * 0.9 + base[1] * np.sqrt(1 - 0.81)).astype(np.float32), 20)
    index.add(_key(b"far"), b"p", base[2], 30)
    found = index.nearest(b"p", base[0], floor=0.5, limit=4)
    assert [(each.key, each.read) for each in found] == [(_key(b"same"), 10), (_key(b"near"), 20)]
    assert found[0].similarity == 1.0
    assert [each.key for each in index.nearest(b"p", base[0], floor=0.5, limit=1)] == [_key(b"same")]


def test_partitions_do_not_see_each_other() -> None:
    index = VectorIndex()
    index.add(_key(b"a"), b"p", _vector(1), 1)
    assert index.nearest(b"q", _vector(1), floor=-1, limit=4) == []
    assert b"p" in index
    assert b"q" not in index


def test_beyond_its_bound_the_oldest_goes() -> None:
    index = VectorIndex(max_entries=2)
    for name in (b"a", b"b", b"c"):
        index.add(_key(name), b"p", _vector(1), 1)
    assert len(index) == 2
    assert {each.key for each in index.nearest(b"p", _vector(1), floor=-1, limit=9)} == {_key(b"b"), _key(b"c")}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 2), st.integers(0, 999))))
def test_it_finds_what_a_plain_list_finds(steps: list[tuple[bool, int, int, int]]) -> None:
    index, plain = VectorIndex(), dict[bytes, tuple[bytes, Vector]]()
    for adds, name, part, seed in steps:
        key, partition = _key(b"%d" % name), b"%d" % part
        if adds:
            index.add(key, partition, _vector(seed), 1)
            plain[key] = (partition, _vector(seed))
        else:
            index.drop((key,))
            plain.pop(key, None)
    assert len(index) == len(plain)
    for part in range(3):
        partition = b"%d" % part
        found = {each.key for each in index.nearest(partition, _vector(7), floor=0.1, limit=99)}
        assert found == {
            key for key, (where, vector) in plain.items() if where == partition and vector @ _vector(7) >= 0.1
        }


def test_half_floats_keep_the_cosine() -> None:
    vector = _vector(3, 384)
    stored = Embedded(vector, 9).as_bytes()
    assert len(stored) == 768
    index = VectorIndex()
    index.load([(_key(b"a"), b"p", stored, 9, 1)])
    (found,) = index.nearest(b"p", vector, floor=0.9, limit=1)
    assert abs(found.similarity - 1) < 1e-3
