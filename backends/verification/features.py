"""What can be read from a prompt and its answer, as numbers: the learned score's features, shared by training and
serving. Each is bounded, and 0 where it does not apply.
"""

from backends.verification.arriving import arriving
from backends.verification.asking import asking
from backends.verification.evidence import Evidence
from backends.verification.telling import telling


def features(evidence: Evidence) -> dict[str, float]:
    """By name, in a fixed order."""
    return telling(evidence) | arriving(evidence) | asking(evidence)
