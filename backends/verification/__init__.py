"""Is a local answer good enough to be given? Pure checks, one file a kind; each says pass, fail or unknown.

What was asked for in form (JSON, schema, tool calls, a tool that must be called) is always judged. The others are for
prompts in doubt: code that parses, refusals, repetition, answers cut off, the tokens' probabilities, a second sample of
a short answer, and a score learned from answers whose rightness is known. `cascade.py`, beside this folder, acts on
what they say.
"""

from backends.verification.checks import Depth, judged, overall
from backends.verification.score import Score
from backends.verification.word import Answered, Word

__all__ = ["Answered", "Depth", "Score", "Word", "judged", "overall"]
