"""How well the router does on labelled prompts: routing beside length and chance, intents, the privacy gate."""

from backends.routing.evaluate.data import Dataset, Row, datasets, read
from backends.routing.evaluate.figures import TRAINED_ON, Figure, Turn, evaluate

__all__ = ["TRAINED_ON", "Dataset", "Figure", "Row", "Turn", "datasets", "evaluate", "read"]
