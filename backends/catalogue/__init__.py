"""What is known of models beyond their price: window, output cap, thinking, accepted settings, lifecycle."""

from backends.catalogue.gemini_models import CLAIMS_AS_OF, MediaKind, Model, Thinking, model_of
from backends.catalogue.known import Catalogue, Retirement, adopt
from backends.catalogue.thinking import thinking_budget, thinking_level, thinking_room

__all__ = [
    "CLAIMS_AS_OF",
    "Catalogue",
    "MediaKind",
    "Model",
    "Retirement",
    "Thinking",
    "adopt",
    "model_of",
    "thinking_budget",
    "thinking_level",
    "thinking_room",
]
