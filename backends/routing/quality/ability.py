"""P(a model answers well), for any model: the difficulty of a prompt against the ability of a model, on one scale.

A model's ability is the logit of its published MMLU-Pro score. The judge's weights say of each prompt how well the two
reference models answer it; that fixes its difficulty, by Rasch's model: logit P = ability - difficulty. Between the two
references the logit is interpolated, beyond them it changes as much as the ability does, so that the references
themselves keep exactly what the judge says, and a more able model is never expected to answer worse.
"""

from math import exp, log

LOCAL_REFERENCE = 63.7
"""MMLU-Pro of qwen2.5:14b, in percent (arXiv 2412.15115): the model that P(local answers well) is said of."""

CLOUD_REFERENCE = 83.0
"""MMLU-Pro of gemini-3.1-flash-lite, in percent (LayerLens, March 2026), the next of kin of the built-in model: the one
that P(cloud answers well) is said of.
"""

NEAREST = 1e-4
"""Probabilities are read no nearer to 0 and 1 than this."""


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


def _logit(p: float) -> float:
    inside = min(max(p, NEAREST), 1 - NEAREST)
    return log(inside / (1 - inside))


def _chance(logit: float) -> float:
    return 1 / (1 + exp(-logit))


LOW, HIGH = _logit(LOCAL_REFERENCE / 100), _logit(CLOUD_REFERENCE / 100)
