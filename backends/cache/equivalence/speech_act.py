"""What a sentence asks for: whether something is true, or a change; and the language that it wants the answer in."""

import re
from functools import lru_cache
from typing import Literal

from backends.cache.equivalence.parsed_question import stem
from backends.cache.equivalence.word_classes import word_set

SpeechAct = Literal["whether", "change"]

_CHANGES = word_set(
    "add allow append assign attach block book buy cancel change clear close connect create decrease delete deny "
    "deploy disable disconnect drop empty enable erase exclude freeze include increase insert install lock lower make "
    "mark move open order pause pay play put raise remove rename reorder reserve reset restart resume save schedule "
    "send set start stop submit switch transfer turn unblock uninstall unlock update"
)
"""Verbs of actions that change something."""

_DONE = frozenset(stem(form) for verb in _CHANGES for form in (verb, verb + "ed")) | word_set("bought made paid sent")

_POLITE = re.compile(
    r"^(?:(?:please|hey|hi|hello|ok|okay|so|now|just|also|then|kindly|go ahead and|let's|"
    r"(?:can|could|would|will) you(?: please)?|would you mind|"
    r"i(?:'d| would)? (?:want|need|like|love)(?: you)? to|i(?:'ve| have)? (?:got )?to)[\s,]+)+"
)
_BE_DONE = re.compile(r"\b(?:should|must|shall|(?:needs?|has|have|ought|want|like) (?:\w+ )?to) (?:be|get) (\w+)")
_ASKS = re.compile(
    r"^(?:(?:is|are|was|were|does|did|has|have|had)(?:n't)?|am|do)\s"
    r"(?!not\b|you\b|we able\b|it (?:possible|ok|okay|allowed)\b|"
    r"(?:there )?(?:a |any |some )?(?:ways?|options?|possibility|means)\b|i (?:able|allowed|need|have to)\b)"
)
_WHETHER = re.compile(
    r"^(?:check|see|verify|confirm|tell|say|know|find|look|let|remind)\b[^.?!]{0,30}?\b(?:if|whether)\b"
)
_THEN = re.compile(r"(?:,|\band|\bthen|\bif not|\bif so) (?:please )?([a-z]+)")
_OPEN = re.compile(r"\b(?:what|how|why|when|where|which|who)\b")
_LANGUAGE = re.compile(
    r"\bin (english|german|french|spanish|italian|portuguese|dutch|polish|russian|ukrainian|czech|swedish|danish|"
    r"norwegian|finnish|greek|turkish|arabic|hebrew|hindi|chinese|mandarin|japanese|korean|vietnamese|thai|latin)\b"
)


def speech_acts_clash(one: str, other: str) -> bool:
    """ "Is milk on the list?" is not "add milk to the list". Symmetric, for sentences in lower case."""
    return {speech_act(one), speech_act(other)} == {"whether", "change"}


def languages_differ(one: str, other: str) -> bool:
    """Whether one asks for a language that the other does not name. Symmetric, for sentences in lower case."""
    return any(name not in other for name in _LANGUAGE.findall(one)) or any(
        name not in one for name in _LANGUAGE.findall(other)
    )


@lru_cache(maxsize=512)
def speech_act(sentence: str) -> SpeechAct | None:
    """What a sentence in lower case asks for; None if it is something else, or both."""
    sentence = sentence.replace("’", "'")
    plain = _POLITE.sub("", sentence)
    if _ASKS.match(sentence) or _WHETHER.match(plain):
        return None if _CHANGES.intersection(_THEN.findall(sentence)) else "whether"
    first, done = re.match("[a-z]+", plain), _BE_DONE.search(plain)
    demanded = (first and first.group() in _CHANGES) or (done and stem(done[1]) in _DONE)
    return "change" if demanded and not _OPEN.search(sentence) else None
