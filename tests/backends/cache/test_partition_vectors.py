"""The two-pass search: nothing that reaches the floor is missed, however vectors come and go."""

import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.cache.semantic.partition_vectors import DIRECTIONS, RERANKED
from backends.cache.semantic.vector_index import PLACE_B, Vector, VectorIndex

DIMENSIONS = 96
BARE = DIMENSIONS * 2 + 32 + 4  # bytes of half floats, a key, and the characters read
PROJECTION = (DIRECTIONS + 1) * 4


def _key(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def _vectors(count: int, seed: int = 0) -> Vector:
    """Unit vectors in clusters, as questions are."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, count // 20), DIMENSIONS))
    found = centres[rng.integers(0, len(centres), count)] + rng.normal(size=(count, DIMENSIONS)) * 0.4
    unit: Vector = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _filled(vectors: Vector, *, reranked: int = RERANKED) -> VectorIndex:
    index = VectorIndex(reranked=reranked)
    halves = vectors.astype(np.float16)
    index.load([(_key(n), b"p", each.tobytes(), 5, n) for n, each in enumerate(halves)])
    index.learn()
    return index


def test_it_finds_all_that_reach_the_floor() -> None:
    vectors = _vectors(3000)
    index = _filled(vectors)
    assert index.nbytes > 3000 * (BARE + PROJECTION), "it is searched in two passes"
    for asked in vectors[::100]:
        found = {each.key: each.similarity for each in index.nearest(b"p", asked, floor=0.7, limit=3000)}
        cosines = vectors @ asked
        sure = {_key(int(n)) for n in np.flatnonzero(cosines >= 0.702)}
        possible = {_key(int(n)) for n in np.flatnonzero(cosines >= 0.698)}
        assert sure <= set(found) <= possible
        assert list(found.values()) == sorted(found.values(), reverse=True)


def test_only_the_best_bounds_are_compared_where_too_many_could_reach() -> None:
    vectors = _vectors(1000)
    found = _filled(vectors, reranked=50).nearest(b"p", vectors[3], floor=-1.0, limit=1000)
    assert (found[0].key, len(found)) == (_key(3), 50)


@settings(deadline=None, max_examples=10)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 399)), max_size=60), st.integers(0, 5))
def test_adding_and_dropping_after_learning_keep_it_exact(steps: list[tuple[bool, int]], seed: int) -> None:
    vectors, others = _vectors(400), _vectors(400, seed + 1)
    index, plain = _filled(vectors[:300]), {n: vectors[n] for n in range(300)}
    for adds, number in steps:
        if adds:
            index.add(_key(number), b"p", others[number], 7)
            plain[number] = others[number]
        else:
            index.drop([_key(number)])
            plain.pop(number, None)
    assert len(index) == len(plain)
    asked = others[0]
    found = {each.key for each in index.nearest(b"p", asked, floor=0.6, limit=400)}
    assert {_key(n) for n, each in plain.items() if each @ asked >= 0.602} <= found
    assert found <= {_key(n) for n, each in plain.items() if each @ asked >= 0.598}


def test_it_learns_anew_as_it_grows_and_stays_slim() -> None:
    index, vectors = VectorIndex(), _vectors(1500)
    for number, vector in enumerate(vectors):
        index.add(_key(number), b"p", vector, 1)
    assert BARE + PROJECTION < index.nbytes / 1500 < (BARE + PROJECTION) * 1.07 + PLACE_B
    index.drop([_key(number) for number in range(1500)])
    assert (len(index), index.nbytes) == (0, 0)
    assert b"p" not in index
