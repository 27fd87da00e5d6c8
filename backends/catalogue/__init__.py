"""What is known of models beyond their price: window, output cap, thinking, accepted settings, lifecycle."""

from backends.catalogue.models import CLAIMS_AS_OF, Media, Model, Thinking, model_of

__all__ = ["CLAIMS_AS_OF", "Media", "Model", "Thinking", "model_of"]
