"""Is a value the name of something, rather than a secret: an identifier, a path, a URL, an expression, a version?

Code and listings put such names beside "key", "token" or "pass" all day. A key is random, a name is made of words.
"""

import re

FOLLOWS = (
    "abcdgiklmnprstuvy baeilorsu cacehiklortu daeiorsu eabcdefglmnprstvwx faefiloru gaehinru haeiot iabcdefglmnoprstvz "
    "keis ladeilostuy mabeimopsu nacdefginostuv oabcdgiklmnoprstuvw paeiloprstu qu racdegiklmnorstuvy sacehilopstuy "
    "tacehilorstuy uabceilmnprst vaei waei xpt yp ze"
)
"""A letter, and the letters that often follow it: the 223 pairs that make up 93 % of the pairs in English words and in
identifiers. In random letters they make up 33 %.
"""

PAIRS = frozenset(group[0] + letter for group in FOLLOWS.split() for letter in group[1:])
WORD = re.compile(r"[A-Z]{3,}(?![a-z])|[A-Z]?[a-z]{2,}")
SHOUTED = re.compile(r"[a-z][A-Z]{5,}(?![a-z])")
"""Names do not join a word in small letters and one in capitals."""

LETTER_BESIDE_DIGIT = re.compile(r"(?<=[A-Za-z])\d|\d(?=[A-Za-z])")

OPERATOR = re.compile(r"[\w)\]](?:\?\.|\(|\[|\)|::|->|\?\?)|[=!<>]=|&&|\|\||=>|\)[.;{\]]|^[!*&]{1,2}[A-Za-z_]")
PLAIN = re.compile(r"_{0,2}[A-Za-z][A-Za-z_]*(?:[.:]{1,2}[A-Za-z_]+)*[.:]?")
HUMP = re.compile(r"[a-z][A-Z]|[a-zA-Z]_[a-zA-Z]|[a-z]\.[a-zA-Z]|[A-Z]{2}\.?[a-z]")
CONSTANT = re.compile(r"[A-Z]{2,}(?:_[A-Z0-9]+){2,}")
MEMBER = re.compile(r"\w(?:\.|::)[A-Za-z]")
NUMBERED = re.compile(r"[A-Za-z_]\w{14,}[A-Za-z]")
IN_CODE = 0.55
WORDS_IN_NAME = 3
"""So many words, with digits among them and none at the end, are an identifier (`OAuth2ClientCredentials`)."""

VERSION = re.compile(r"#\d{1,9}|[v#]?\d{1,9}(?:\.\d{1,9}){1,5}(?:[\-+~][\w.+~\-]{1,40})?")
ALGORITHM = re.compile(
    r"(?i)(?<![a-z0-9])(?:(?:hmac|pbewith|scram|pbkdf2|rsa|aes|des|ecdsa|dsa)?[_\-]?(?:hmac)?sha[\-_]?(?:1|2|3|224|256|384|512)"
    r"|(?:u|h|c)mac[\-_]\w{1,8}|aes[\-_]?(?:128|192|256)|chacha20|poly1305|(?:ssh-|sk-)?ed25519|x25519|curve25519|ecdsa|md5|"
    r"argon2\w{0,2}|bcrypt|scrypt|pbkdf2|cram)(?![a-z0-9]*[!@#$%^*?])(?=[_\-.]|$|and|(?<=\d)[a-z])"
)
SEGMENT = re.compile(
    r"\d{1,4}|[A-Za-z]{3,20}\d{1,2}|[\w.~]{0,3}|"
    r"[\w.+\-]{1,40}\.[a-z]{1,5}\d?|[0-9a-f]{7,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
"""Parts of a path that need not be words: short ones, parts of a date, hashes and UUIDs."""

URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]{1,20}:)?//[^@\s]+")
PIECE = re.compile(r"[A-Za-z0-9_\-~=]+")
REGEX = re.compile(r"\[\^?[^\]\s]{0,40}(?:a-z|A-Z|0-9|a-f|\\w|\\d)")


def is_reference(value: str) -> bool:
    """A path, a URL without a login, a version, an algorithm or a regular expression."""
    if VERSION.fullmatch(value) or REGEX.search(value) or ALGORITHM.match(value):
        return True
    if URL.match(value):
        return all(len(piece) < 16 or is_made_of_words(piece) for piece in PIECE.findall(value))
    return value.count("/") > 1 and is_path(value)


def is_path(value: str) -> bool:
    """One in four segments is a word, and the others are what paths have; base64, too, has slashes."""
    segments = value.split("/")
    words = sum(is_made_of_words(segment, IN_CODE) for segment in segments)
    others = sum(SEGMENT.fullmatch(segment) is not None for segment in segments)
    return words > 0 and words + others >= len(segments) and words * 4 >= len(segments)


def is_made_of_words(value: str, least: float = 0.75) -> bool:
    """Letters that form words, and few digits; one in a thousand random keys of 16 characters looks like that.

    `least`: the share of its pairs of letters that words have; less will do where the value has the form of code.
    """
    letters, digits = sum(map(str.isalpha, value)), sum(map(str.isdigit, value))
    if digits * 5 > len(value) or len(LETTER_BESIDE_DIGIT.findall(value)) * 8 > len(value):
        return False
    if SHOUTED.search(value) is not None:
        return False
    words = WORD.findall(value)
    pairs = [word[at : at + 2].lower() for word in words for at in range(len(word) - 1)]
    if sum(map(len, words)) * 10 < letters * 7 or not pairs:
        return False
    return sum(pair in PAIRS for pair in pairs) >= len(pairs) * least


def is_expression(value: str) -> bool:
    """Operators, calls and members, around words."""
    return OPERATOR.search(value) is not None and is_made_of_words(value, IN_CODE)


def is_identifier(value: str) -> bool:
    """A name in code that cannot well be a password: words without digits that code joins, or many with a digit inside.

    A password of several words has blanks, dashes, or its digits at the end.
    """
    value = value.rstrip("=")
    if PLAIN.fullmatch(value) and HUMP.search(value) is not None:
        return is_made_of_words(value, IN_CODE if MEMBER.search(value) else 0.75)
    if CONSTANT.fullmatch(value):
        return is_made_of_words(value, IN_CODE)
    return (
        NUMBERED.fullmatch(value) is not None and len(WORD.findall(value)) >= WORDS_IN_NAME and is_made_of_words(value)
    )
