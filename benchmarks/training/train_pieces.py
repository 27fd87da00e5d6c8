"""Distil the vectors of word pieces, `backends/routing/quality/text_embedding.npz`.

    python -m benchmarks.training.train_pieces

The method is Model2Vec's: each piece of all-MiniLM-L6-v2's vocabulary passes through the model alone, and the principal
components of the results are kept. The vector of a common piece is made smaller, by the root of its smooth inverse
frequency; its rank in the vocabulary stands for its frequency (Zipf). Needs the `semantic` extra; half a minute on one
core.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backends.routing import quality

HOME = Path(quality.__file__).parent
SMOOTH, FIRST_WORD = 1e-4, 1_000
"""Below FIRST_WORD the vocabulary holds marks and single letters, which the components leave out."""

Matrix = NDArray[np.float32]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--out", type=Path, default=HOME / "text_embedding.npz")
    arguments.add_argument("--size", type=int, default=64)
    given = arguments.parse_args()
    matrix = distilled(through_the_model(), given.size)
    scale = np.abs(matrix).max(axis=0) / 127
    np.savez(given.out, matrix=np.round(matrix / scale).astype(np.int8), scale=scale.astype(np.float32))
    print(f"{len(matrix)} pieces, {given.out.stat().st_size / 1e6:.2f} MB")


def distilled(vectors: Matrix, size: int) -> Matrix:
    """The first components of each piece's vector, times its weight."""
    words = vectors[FIRST_WORD:]
    mean = words.mean(axis=0)
    _, _, axes = np.linalg.svd(words - mean, full_matrices=False)
    share = 1 / np.arange(10, len(vectors) + 10)
    share /= share.sum()
    return np.asarray((vectors - mean) @ axes[:size].T * np.sqrt(SMOOTH / (SMOOTH + share))[:, None], np.float32)


def through_the_model() -> Matrix:
    """A row for each line of the vocabulary: the mean of what the model makes of it between its two marks."""
    import torch

    from backends.cache.equivalence.vocabulary import vocabulary
    from backends.cache.semantic import embedders

    embedder = embedders.load()
    assert isinstance(embedder, embedders.SentenceTransformerEmbedder), "the torch build is needed"
    model = embedder._model[0].auto_model.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(vocabulary()), 512):
            places = torch.arange(start, min(start + 512, len(vocabulary())))
            ids = torch.stack([torch.full_like(places, 101), places, torch.full_like(places, 102)], dim=1)
            found.append(model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.mean(dim=1))
    return np.asarray(torch.cat(found).numpy(), np.float32)


if __name__ == "__main__":
    main()
