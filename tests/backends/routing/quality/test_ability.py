from hypothesis import given
from hypothesis import strategies as st

from backends.catalogue import Catalogue
from backends.routing.quality.ability import CLOUD_REFERENCE, LOCAL_REFERENCE, quality, weaknesses
from backends.settings.engines import built_in_engines
from backends.types import Classes

chance = st.floats(0.0, 1.0)
score = st.floats(0.5, 99.5)


@given(chance, chance)
def test_the_references_have_exactly_what_the_judge_says(one: float, two: float) -> None:
    p_local, p_cloud = min(one, two), max(one, two)
    assert quality(p_local, p_cloud, LOCAL_REFERENCE) == p_local
    assert quality(p_local, p_cloud, CLOUD_REFERENCE) == p_cloud


@given(chance, chance, score, score)
def test_a_more_able_model_is_never_expected_to_answer_worse(one: float, two: float, some: float, other: float) -> None:
    p_local, p_cloud = min(one, two), max(one, two)
    worse, better = (quality(p_local, p_cloud, each) for each in sorted((some, other)))
    assert 0 <= worse <= better + 1e-4 <= 1.0001


@given(chance, chance, score)
def test_a_harder_prompt_is_never_expected_to_be_answered_better(one: float, two: float, some: float) -> None:
    harder, easier = sorted((one, two))
    assert quality(harder, harder, some) <= quality(easier, easier, some) + 1e-9


def test_the_built_in_engines_models_are_the_references() -> None:
    engines, catalogue = built_in_engines(), Catalogue()
    assert catalogue.ability(engines["local"].model) == LOCAL_REFERENCE
    assert catalogue.ability(engines["cloud"].model) == CLOUD_REFERENCE


def test_a_small_model_is_held_for_worse_on_a_hard_prompt_than_on_an_easy_one() -> None:
    three_b = Catalogue().ability("qwen2.5:3b")
    assert three_b is not None
    assert quality(0.95, 0.97, three_b) > 0.85
    assert quality(0.30, 0.80, three_b) < 0.20


def test_what_speaks_against_a_local_model_is_named() -> None:
    classes = Classes(
        intent="chat",
        intent_p=1.0,
        complexity=0.1,
        p_local=0.9,
        p_cloud=0.9,
        needs=frozenset({"fresh"}),
        language="pl",
    )
    assert weaknesses(classes, frozenset({"en"})) == (("fresh", 0.75), ("language pl", 0.75))
    assert weaknesses(classes, frozenset()) == (("fresh", 0.75),)
