"""A prompt and its answer, parsed once for all features."""

from msgspec import Struct

from backends.verification.phrases import READ
from backends.verification.short_answers.multiple_choice import ChosenOption, Question, chosen_option, parse_question


class ParsedAnswer(Struct, frozen=True):
    question: Question
    chosen: ChosenOption
    answer: str


def parse(prompt: str, answer: str) -> ParsedAnswer:
    """Reads the end of a long prompt and the start of a long answer."""
    question = parse_question(prompt[-READ:])
    part = answer[:READ]
    return ParsedAnswer(question, chosen_option(part, len(question.options)), part)
