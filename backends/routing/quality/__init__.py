"""How well each engine would answer a prompt, and what the dial between cost and quality makes of it.

`card.json` says what the weights were trained on, how well they do and where they do not.
"""

from backends.routing.quality.calibration import Correction, fit
from backends.routing.quality.dial import Dial, threshold
from backends.routing.quality.judge import Judged, Quality

__all__ = ["Correction", "Dial", "Judged", "Quality", "fit", "threshold"]
