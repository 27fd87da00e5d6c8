"""P(a model answers well), for any model: the difficulty of a prompt against the ability of a model, on one scale.

A model's ability is the logit of its published MMLU-Pro score. The judge's weights say of each prompt how well the two
reference models answer it; that fixes its difficulty, by Rasch's model: logit P = ability - difficulty. Between the two
references the logit is interpolated, beyond them it changes as much as the ability does, so that the references
themselves keep exactly what the judge says, and a more able model is never expected to answer worse.
"""

from math import exp, log

from backends.types import Classes, Need

LOCAL_REFERENCE = 63.7
"""MMLU-Pro of qwen2.5:14b, in percent (arXiv 2412.15115): the model that P(local answers well) is said of."""

CLOUD_REFERENCE = 83.0
"""MMLU-Pro of gemini-3.1-flash-lite, in percent (LayerLens, March 2026), the next of kin of the built-in model: the one
that P(cloud answers well) is said of.
"""

NEAREST = 1e-4
"""Probabilities are read no nearer to 0 and 1 than this."""


WEIGHS: dict[Need, float] = {"fresh": 0.75}
"""What P(a local model answers well) is multiplied by where a prompt needs what it has less of: it has learned of the
world earlier than the cloud's. An estimate, not a measurement; feedback corrects what it gets wrong.
"""

STRANGE = 0.75
"""The same for a language that a local model is not known to speak."""


def quality(p_local: float, p_cloud: float, score: float) -> float:
    """P(a model of this MMLU-Pro score, in percent, answers well) where the references do with `p_local`, `p_cloud`."""
    if score == LOCAL_REFERENCE:
        return p_local
    if score == CLOUD_REFERENCE:
        return p_cloud
    low, high = _logit(p_local), _logit(p_cloud)
    ability = _logit(score / 100)
    if ability <= LOW:
        return _chance(low - (LOW - ability))
    if ability >= HIGH:
        return _chance(high + (ability - HIGH))
    return _chance(low + (high - low) * (ability - LOW) / (HIGH - LOW))


def weaknesses(classes: Classes, languages: frozenset[str]) -> tuple[tuple[str, float], ...]:
    """What speaks against a local model that speaks `languages`, beside the prompt's difficulty, and how much each
    lessens P(it answers well).
    """
    found: list[tuple[str, float]] = [(need, weight) for need, weight in WEIGHS.items() if need in classes.needs]
    if classes.language and languages and classes.language not in languages:
        found.append((f"language {classes.language}", STRANGE))
    return tuple(found)


def _logit(p: float) -> float:
    inside = min(max(p, NEAREST), 1 - NEAREST)
    return log(inside / (1 - inside))


def _chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


LOW, HIGH = _logit(LOCAL_REFERENCE / 100), _logit(CLOUD_REFERENCE / 100)
