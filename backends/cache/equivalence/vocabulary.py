"""BERT's uncased English word pieces (Google, Apache-2.0), which the ONNX build of the model does not include."""

import gzip
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, int]:
    """Each of 30,522 pieces with its index, ordered by frequency from 1,000 on. Shared: do not change it."""
    lines = gzip.decompress(Path(__file__).with_name("vocabulary.txt.gz").read_bytes()).decode().splitlines()
    return {piece: number for number, piece in enumerate(lines)}
