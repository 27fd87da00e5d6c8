"""Overlays: the evidence of a decision, help, and questions before an action."""
