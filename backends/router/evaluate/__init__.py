"""How well the router does on labelled prompts: routing beside length and chance, intents, the privacy gate."""

from backends.router.evaluate.data import Dataset, Row, datasets, read
from backends.router.evaluate.figures import Figure, evaluate

__all__ = ["Dataset", "Figure", "Row", "datasets", "evaluate", "read"]
