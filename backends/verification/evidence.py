"""A prompt and an answer, taken apart once."""

from msgspec import Struct

from backends.verification import wording
from backends.verification.choice import Question, Taken, question, taken


class Evidence(Struct, frozen=True):
    question: Question
    taken: Taken
    answer: str


def read(prompt: str, answer: str) -> Evidence:
    """The end of a long prompt, and the start of a long answer."""
    asked = question(prompt[-wording.READ :])
    part = answer[: wording.READ]
    return Evidence(asked, taken(part, len(asked.options)), part)
