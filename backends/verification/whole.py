"""Is the answer whole: not empty, not cut off by a cap that another engine would not have?"""

from backends.verification.word import Answered, Word, failed, unknown

CHECK = "whole"


def whole(answered: Answered) -> Word:
    """A cap that the caller set cuts every engine's answer, so it says nothing."""
    if not answered.text.strip() and not answered.calls:
        return failed(CHECK, "empty")
    if answered.cut and answered.cap_raised:
        return failed(CHECK, "cut off at its cap")
    return unknown(CHECK)
