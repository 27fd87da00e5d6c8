"""A question with lettered options, and which of them an answer took."""

import re

from msgspec import Struct

OPTION = re.compile(r"(?m)^\(?([A-Z])[.):] ?(.*)$")
CONCLUSION = re.compile(r"(?i)answer(?: is|:|\s+would be)\s*:?\s*(?:option )?\**\$?\(?([A-Z])\b\)?")


class Question(Struct, frozen=True):
    """`stem` is what is asked; `options` their texts in order, the first is A. No options: a free question."""

    stem: str
    options: tuple[str, ...]


class Taken(Struct, frozen=True):
    """`place` of the option taken, None without a conclusion or for a letter that is not among them.

    `derivation` is what stands before the first conclusion, `conclusions` the letters of all.
    """

    place: int | None
    derivation: str
    conclusions: tuple[str, ...]
    rest: str


def question(prompt: str) -> Question:
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


def taken(answer: str, options: int) -> Taken:
    """The option that the first conclusion names: what a model writes after it is often the next question."""
    found = list(CONCLUSION.finditer(answer))
    if not found:
        return Taken(None, answer, (), "")
    place = ord(found[0][1].upper()) - ord("A")
    return Taken(
        place if place < options else None,
        answer[: found[0].start()],
        tuple(match[1].upper() for match in found),
        answer[found[0].end() :],
    )
