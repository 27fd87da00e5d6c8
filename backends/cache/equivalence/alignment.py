"""The alignment of two questions: which words correspond, how well, and whether they are in the same places."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from backends.cache.equivalence.embedded_question import EmbeddedQuestion
from backends.cache.equivalence.lexicon import Relation, relation
from backends.cache.equivalence.word_classes import word_set
from backends.cache.semantic.vector_index import Vector

MATCH: dict[Relation | None, float] = {"kin": 1.0, "alike": 0.9}
MATCHED = 0.5
CLOSER = 0.05  # weight of the vectors between words that match equally well
NAMES = word_set(
    "match_f match_min match_max ctx_f ctx_min ctx_max own_f worst_min worst_max worst_second un_min un_max "
    "un_weight_min un_weight_max un_share_min un_share_max un_named opposite sibling alike sub_n sub_ctx_min "
    "sub_ctx_max sub_own_max sub_own_mean left_own_min left_own_max left_weight self_min self_mean self_own_min "
    "self_own_mean cross_max inversions moved adjacent before_same before_diff named_shared named_moved swap "
    "before_cross side_same"
)


class AlignmentGrid(NamedTuple):
    """For each content word of a (rows, n) and of b (columns, m): (n, m) arrays of how well the words match, and how
    similar they are in context and on their own.
    """

    match: Vector
    context: Vector
    own: Vector
    relations: dict[tuple[int, int], Relation]


def alignment_features(a: EmbeddedQuestion, b: EmbeddedQuestion) -> dict[str, float]:
    """The features `NAMES`; all are 0 if one question has no content words."""
    found = dict.fromkeys(NAMES, 0.0)
    if a.content and b.content:
        grid = _grid(a, b)
        pairs = _pairs(grid)
        found |= _coverage(a, b, grid) | _leftovers(a, b, grid, pairs)
        if pairs:
            found |= _vectors_agree(grid, pairs) | _places(a, b, pairs)
    return found


def _grid(a: EmbeddedQuestion, b: EmbeddedQuestion) -> AlignmentGrid:
    match = np.zeros((len(a.content), len(b.content)), dtype=np.float32)
    relations: dict[tuple[int, int], Relation] = {}
    for i, (word, root) in enumerate(zip(a.content, a.stems, strict=True)):
        for j, (other, other_root) in enumerate(zip(b.content, b.stems, strict=True)):
            if word == other or root == other_root:
                match[i, j] = 1.0
            elif found := relation(word, other):
                relations[i, j] = found
                match[i, j] = MATCH.get(found, 0.0)
    return AlignmentGrid(match, a.vectors @ b.vectors.T, a.own @ b.own.T, relations)


def _pairs(grid: AlignmentGrid) -> list[tuple[int, int]]:
    """Pairs of corresponding words, one to one, the best first chosen; in the order of a."""
    score = grid.match + CLOSER * grid.own
    rows: set[int] = set()
    columns: set[int] = set()
    pairs = []
    for flat in np.argsort(-score, axis=None, kind="stable"):
        i, j = divmod(int(flat), score.shape[1])
        if i not in rows and j not in columns and grid.match[i, j] >= MATCHED:
            rows.add(i)
            columns.add(j)
            pairs.append((i, j))
    return sorted(pairs)


def _coverage(a: EmbeddedQuestion, b: EmbeddedQuestion, grid: AlignmentGrid) -> dict[str, float]:
    """How much of each question the other covers, by weight, and how well the worst words are covered."""
    found: dict[str, float] = {}
    soft = np.maximum(grid.match, grid.own)
    for name, table in (("match", grid.match), ("ctx", np.maximum(grid.match, grid.context)), ("own", soft)):
        low, high = sorted((float(table.max(1) @ a.weight), float(table.max(0) @ b.weight)))
        found |= {f"{name}_min": low, f"{name}_max": high, f"{name}_f": (low + high) / 2}
    ours, theirs = np.sort(soft.max(1)), np.sort(soft.max(0))
    found["worst_min"], found["worst_max"] = sorted((float(ours[0]), float(theirs[0])))
    found["worst_second"] = float(min(ours[min(1, len(ours) - 1)], theirs[min(1, len(theirs) - 1)]))
    return {name: value for name, value in found.items() if name in NAMES}


def _leftovers(
    a: EmbeddedQuestion, b: EmbeddedQuestion, grid: AlignmentGrid, pairs: list[tuple[int, int]]
) -> dict[str, float]:
    """The words without a partner: how many, their weight, and whether one may replace another."""
    n, m = grid.match.shape
    rows, columns = {i for i, _ in pairs}, {j for _, j in pairs}
    left, right = [i for i in range(n) if i not in rows], [j for j in range(m) if j not in columns]
    soft = np.maximum(grid.match, grid.own)
    best = [float(soft[i].max()) for i in left] + [float(soft[:, j].max()) for j in right] or [1.0]
    counts = sorted((len(left), len(right)))
    weights = sorted((float(a.weight[left].sum()), float(b.weight[right].sum())))
    shares = sorted((len(left) / n, len(right) / m))
    related = [found for (i, j), found in grid.relations.items() if i not in rows or j not in columns]
    both = [found for (i, j), found in grid.relations.items() if i not in rows and j not in columns]
    return {
        "un_min": counts[0],
        "un_max": counts[1],
        "un_weight_min": weights[0],
        "un_weight_max": weights[1],
        "un_share_min": shares[0],
        "un_share_max": shares[1],
        "un_named": sum(a.named[i] for i in left) + sum(b.named[j] for j in right),
        "opposite": related.count("opposite"),
        "sibling": both.count("sibling"),
        "alike": sum(float(grid.match[i, j]) < 1.0 for i, j in pairs),
        "sub_n": counts[0],
        "left_own_min": min(best),
        "left_own_max": max(best),
        "left_weight": max([float(a.weight[i]) for i in left] + [float(b.weight[j]) for j in right], default=0.0),
    } | _substitutes(grid, left, right)


def _substitutes(grid: AlignmentGrid, left: list[int], right: list[int]) -> dict[str, float]:
    names = ("sub_ctx_min", "sub_ctx_max", "sub_own_max", "sub_own_mean")
    if not left or not right:
        return dict.fromkeys(names, 0.0 if left or right else 1.0)
    context, own = grid.context[np.ix_(left, right)], grid.own[np.ix_(left, right)]
    if len(left) == len(right):
        best = np.maximum(own.max(0).sum(), own.max(1).sum()) / len(left)
        return dict(zip(names, map(float, (context.min(), context.max(), own.max(), best)), strict=True))
    nearest = own.max(1) if len(left) < len(right) else own.max(0)
    return dict(zip(names, map(float, (context.min(), context.max(), nearest.max(), nearest.mean())), strict=True))


def _vectors_agree(grid: AlignmentGrid, pairs: list[tuple[int, int]]) -> dict[str, float]:
    """Whether the model sees the same meaning of a word in both places: it changes when the word's role does."""
    rows, columns = (list(side) for side in zip(*pairs, strict=True))
    context, own = grid.context[rows, columns], grid.own[rows, columns]
    others = grid.own.copy()
    others[rows, columns] = -2.0
    across = np.concatenate((others[rows].max(1) - own, others[:, columns].max(0) - own))
    across = across[across > -1.9 - own.max()]
    return {
        "self_min": float(context.min()),
        "self_mean": float(context.mean()),
        "self_own_min": float(own.min()),
        "self_own_mean": float(own.mean()),
        "cross_max": max(-1.0, float(across.max())) if len(across) else -1.0,
    }


def _places(a: EmbeddedQuestion, b: EmbeddedQuestion, pairs: list[tuple[int, int]]) -> dict[str, float]:
    """Whether shared words are in the same order, follow the same function word, and have the same neighbours."""
    count, places = len(pairs), [j for _, j in pairs]
    steps = list(pairwise(places))
    inversions = sum(places[x] > places[y] for x in range(count) for y in range(x + 1, count))
    before = [(one, other) for i, j in pairs if (one := a.before[i]) and (other := b.before[j])]
    named = [(i, j) for i, j in pairs if a.named[i] and b.named[j]]
    rank = {j: place for place, j in enumerate(sorted(j for _, j in named))}
    ours, theirs = [_sides(a.stems, i) for i, _ in pairs], [_sides(b.stems, j) for _, j in pairs]
    return {
        "inversions": inversions / max(1.0, count * (count - 1) / 2),
        "moved": sum(y != x + 1 for x, y in steps),
        "adjacent": sum(y == x + 1 for x, y in steps) / max(1, count - 1),
        "before_same": sum(one == other for one, other in before) / max(1, len(before)),
        "before_diff": sum(one != other for one, other in before),
        "named_shared": len(named),
        "named_moved": sum(rank[j] != place for place, (_, j) in enumerate(named)),
        "swap": _swaps(ours, theirs),
        "before_cross": _crossed([a.before[i] for i, _ in pairs], [b.before[j] for _, j in pairs]),
        "side_same": sum((x[0] == y[0]) + (x[1] == y[1]) for x, y in zip(ours, theirs, strict=True)) / (2 * count),
    }


def _sides(stems: Sequence[str], index: int) -> tuple[str, str]:
    """The content words before and after a word."""
    return stems[index - 1] if index else "^", stems[index + 1] if index + 1 < len(stems) else "$"


def _swaps(ours: list[tuple[str, str]], theirs: list[tuple[str, str]]) -> float:
    """How many words took another's place: they have the neighbours that it had."""
    return sum(
        (mine[side] == other[side] != theirs[x][side])
        for x, mine in enumerate(ours)
        for y, other in enumerate(theirs)
        if x != y
        for side in (0, 1)
    )


def _crossed(ours: list[str], theirs: list[str]) -> float:
    """How many words follow what another word followed: "from A to B" and "from B to A"."""
    return sum(
        bool(mine) and mine == other != theirs[x]
        for x, mine in enumerate(ours)
        for y, other in enumerate(theirs)
        if x != y
    )
