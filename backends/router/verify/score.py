"""placeholder"""

from backends.router.verify.word import Answered, Word, unknown

CHECK = "score"


class Score:
    @classmethod
    def load(cls) -> "Score":
        return cls()

    def word(self, answered: Answered) -> Word:
        return unknown(CHECK)
