"""How well each engine would answer a prompt, and the dial between cost and quality that compares them.

`card.json` says what the weights were trained on, how well they do and where they do not.
"""

from backends.routing.quality.dial import Dial, threshold
from backends.routing.quality.platt_scaling import Correction, fit
from backends.routing.quality.quality_model import QualityEstimate, QualityModel

__all__ = ["Correction", "Dial", "QualityEstimate", "QualityModel", "fit", "threshold"]
