"""How sure the model was of its words, where the engine tells the tokens' probabilities."""

from backends.verification.word import Answered, Word, failed, unknown

CHECK = "confidence"
LOST = 0.4
"""Below this geometric mean of the tokens' probabilities a text is guesswork. Set by hand: at the usual temperatures
sound answers have .7 and more, so it fails only what went badly wrong.
"""


def confidence(answered: Answered) -> Word:
    if answered.confidence is None or answered.confidence >= LOST:
        return unknown(CHECK)
    return failed(CHECK, f"token probability {answered.confidence:.2f}")
