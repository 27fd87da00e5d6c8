"""Multiple choice: a question with lettered options, and the option that an answer takes."""

import re

from msgspec import Struct

OPTION = re.compile(r"(?m)^\(?([A-Z])[.):] ?(.*)$")
CONCLUSION = re.compile(r"(?i)answer(?: is|:|\s+would be)\s*:?\s*(?:option )?\**\$?\(?([A-Z])\b\)?")


class Question(Struct, frozen=True):
    """`stem` is what is asked; `options` their texts in order, the first is A. No options: a free question."""

    stem: str
    options: tuple[str, ...]


class ChosenOption(Struct, frozen=True):
    """`index` of the option in the question; None without a conclusion, or for a letter that is not among the options.

    `derivation` is the text before the first conclusion, `conclusions` are the letters of all, and `rest` follows the
    first.
    """

    index: int | None
    derivation: str
    conclusions: tuple[str, ...]
    rest: str


def parse_question(prompt: str) -> Question:
    """Split a prompt at its last list of options that starts at A and has two or more."""
    found = list(OPTION.finditer(prompt))
    start = max((index for index, match in enumerate(found) if match[1] == "A"), default=None)
    if start is None:
        return Question(prompt, ())
    options: list[str] = []
    for match in found[start:]:
        if ord(match[1]) - ord("A") != len(options):
            break
        options.append(match[2].strip())
    if len(options) < 2:
        return Question(prompt, ())
    return Question(prompt[: found[start].start()].strip(), tuple(options))


def chosen_option(answer: str, options: int) -> ChosenOption:
    """The option that the first conclusion names. What a model writes after it is often the next question."""
    found = list(CONCLUSION.finditer(answer))
    if not found:
        return ChosenOption(None, answer, (), "")
    index = ord(found[0][1].upper()) - ord("A")
    return ChosenOption(
        index if index < options else None,
        answer[: found[0].start()],
        tuple(match[1].upper() for match in found),
        answer[found[0].end() :],
    )
