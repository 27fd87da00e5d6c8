"""What an entry's own record allows it to serve.

After vCache (Schroeder et al., 2025) each entry has a threshold of its own that learns from what its hits turned out to
be. An entry serves a score only while the share of wrong hits among its own at that score or above is held to be at
most `risk`: the mean of a Beta distribution that begins with PRIOR hits of which half the allowed share were wrong, and
counts every verdict. So one wrong hit at .93 closes the entry up to .93, at a risk of .01 until 74 right ones at .93
or above stand against it, at .05 until none need to; what scores higher than it ever went wrong at is still served.
"""

from collections.abc import Sequence

PRIOR = 50.0  # hits that an entry is believed before it has any


def may_serve(score: float, record: Sequence[tuple[float, bool]], *, risk: float) -> bool:
    """Whether an entry with this record of (score, right) may serve a hit of `score`."""
    at_or_above = [right for scored, right in record if scored >= score]
    wrong = sum(not right for right in at_or_above)
    return not wrong or (PRIOR * risk / 2 + wrong) / (PRIOR + len(at_or_above)) <= risk
