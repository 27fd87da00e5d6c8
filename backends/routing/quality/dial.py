"""The dial between cost and quality, as a threshold on the gain P(cloud answers well) - P(local answers well).

A dial counts prompts, not points of a score: it reads the quantiles of the gain over a reference set, so it keeps its
meaning when the weights change, and an operator's own traffic can replace the set. By "quality" it is the share kept of
what the cloud answers better than local, summed over the set (RouteLLM's PGR: 0 is all local, 1 all cloud); by
"cloud-share" it is the share of the set's prompts that go to the cloud.

numpy is imported where it is first needed: a core that has not had a request yet does without its 10 MB.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING

from msgspec import Struct

from backends.types import DialBy

if TYPE_CHECKING:
    import numpy as np

NONE, ALL = 1.0, -1.0
"""A threshold that no gain exceeds, and one that every gain exceeds."""

STEPS = 200


class Dial(Struct, frozen=True, cache_hash=True):
    """`quantiles`: the gain's, at evenly spaced shares from 0 to 1, ascending."""

    quantiles: tuple[float, ...]

    @classmethod
    @cache
    def load(cls) -> "Dial":
        """Of the shipped reference set: our training prompts, with the same number of frames for each intent. Read
        once.
        """
        import numpy as np

        with np.load(BytesIO(files(__package__).joinpath("quality.npz").read_bytes()), allow_pickle=False) as weights:
            return cls(tuple(map(float, weights["quantiles"])))

    @classmethod
    def over(cls, gains: Iterable[float]) -> "Dial":
        """Of other prompts' gains, such as a ledger's; at least one is needed."""
        import numpy as np

        return cls(tuple(map(float, np.quantile(list(gains), np.linspace(0, 1, STEPS + 1)))))

    def threshold(self, dial: float, by: DialBy) -> float:
        """A prompt goes to the cloud when its gain is above this; never rises with `dial`."""
        return threshold(dial, by, self.quantiles)

    def cloud_share(self, threshold: float) -> float:
        """The share of the set that a threshold sends to the cloud."""
        import numpy as np

        return float(np.mean(np.array(self.quantiles) > threshold))


def threshold(dial: float, by: DialBy, quantiles: Sequence[float]) -> float:
    """The gain above which a prompt goes to the cloud: NONE at dial 0; at 1, ALL by share and 0 by quality."""
    if dial <= 0:
        return NONE
    import numpy as np

    gains = np.maximum.accumulate(np.maximum(quantiles, 0.0))
    if by == "cloud-share":
        return ALL if dial >= 1 else _at(1 - dial, gains)
    falling = gains[::-1]
    kept = np.concatenate([[0.0], np.cumsum((falling[1:] + falling[:-1]) / 2)])
    if dial >= 1 or kept[-1] <= 0:
        return 0.0
    share = float(np.interp(dial * kept[-1], kept, np.linspace(0, 1, len(kept))))
    return _at(1 - share, gains)


def _at(share: float, gains: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    import numpy as np

    return float(np.interp(share, np.linspace(0, 1, len(gains)), gains))
