"""P(a model answers well), for any model: the difficulty of a prompt against the ability of a model, on one scale.

A model's ability is the logit of its published MMLU-Pro score. The quality model says of each prompt how well the two
reference models answer it; that fixes its difficulty, by Rasch's model: logit P = ability - difficulty. Between the two
references the logit is interpolated, beyond them it changes as much as the ability does, so that the references
themselves keep exactly what the quality model says, and a more able model is never expected to answer worse.
"""

from backends.routing.quality.platt_scaling import logit, probability
from backends.types import Classes, Need

LOCAL_REFERENCE = 63.7
"""MMLU-Pro of qwen2.5:14b, in percent (arXiv 2412.15115): the model that P(local answers well) is said of."""

CLOUD_REFERENCE = 83.0
"""MMLU-Pro of gemini-3.1-flash-lite, in percent (LayerLens, March 2026), the next of kin of the built-in model: the one
that P(cloud answers well) is said of.
"""

NEED_WEIGHTS: dict[Need, float] = {"fresh": 0.75}
"""What P(a local model answers well) is multiplied by where a prompt needs what it has less of: it has learned of the
world earlier than the cloud's. An estimate, not a measurement; feedback corrects what it gets wrong.
"""

UNKNOWN_LANGUAGE_WEIGHT = 0.75
"""The same for a language that a local model is not known to speak."""


def quality(p_local: float, p_cloud: float, score: float) -> float:
    """P(a model of this MMLU-Pro score, in percent, answers well) where the references do with `p_local`, `p_cloud`."""
    if score == LOCAL_REFERENCE:
        return p_local
    if score == CLOUD_REFERENCE:
        return p_cloud
    low, high = logit(p_local), logit(p_cloud)
    ability = logit(score / 100)
    if ability <= LOW:
        return probability(low - (LOW - ability))
    if ability >= HIGH:
        return probability(high + (ability - HIGH))
    return probability(low + (high - low) * (ability - LOW) / (HIGH - LOW))


def weaknesses(classes: Classes, languages: frozenset[str]) -> tuple[tuple[str, float], ...]:
    """What speaks against a local model that speaks `languages`, beside the prompt's difficulty, and how much each
    lessens P(it answers well).
    """
    found: list[tuple[str, float]] = [(need, weight) for need, weight in NEED_WEIGHTS.items() if need in classes.needs]
    if classes.language and languages and classes.language not in languages:
        found.append((f"language {classes.language}", UNKNOWN_LANGUAGE_WEIGHT))
    return tuple(found)


LOW, HIGH = logit(LOCAL_REFERENCE / 100), logit(CLOUD_REFERENCE / 100)
