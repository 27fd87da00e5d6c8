"""How well the router does on labelled prompts: routing, compared with length and chance; intents; the privacy gate."""

from backends.routing.evaluate.datasets import Dataset, Row, datasets, read
from backends.routing.evaluate.evaluation import TRAINED_ON, DialSetting, evaluate
from backends.routing.evaluate.figures import Figure

__all__ = ["TRAINED_ON", "Dataset", "DialSetting", "Figure", "Row", "datasets", "evaluate", "read"]
