"""Postal addresses: a street with its number, or a box, and the lines behind it.

A street's word with a number and a name is enough (`12 Main Street`, `Gartenstraße 5`, `ul. Zamkowa 33`). Less than
that (`12 Hill Row`, `Edeby 55`) needs a flat, a postcode or a word for an address beside it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from backends.privacy.detection import Detection
from backends.privacy.detectors.address_lines import Lines, lines_behind, start_with_unit
from backends.privacy.detectors.street_words import BOXES, PUBLIC
from backends.privacy.detectors.streets import Street, Sure, streets
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

ANNOUNCED = re.compile(
    r"""(?ix)(?:
    \b(?:live[sd]?|living|reside[sd]?|residing|resident|stay(?:s|ed|ing)?|lodging)\s(?:now\s|here\s)?(?:at|on|in|near)
    | \baddress\?[^\n]{0,60}\bit(?:['’]s|\sis)(?:\s(?:in|at|on))?
    | \baddress(?:es)?(?:\s(?:is|was|to|with|of|at|for|on)|\sline\s\d)*
    | \blocated\s(?:at|on|in) | \boffices?\s(?:is|are|was)(?:\slocated)?\s(?:at|on|in) | \bhome\s(?:is|at)
    | \b(?:sen[dt]|ship(?:ped)?|deliver(?:ed)?|return(?:ed)?|mail(?:ed)?|post(?:ed)?|forward(?:ed)?|moved?|moving
      |arrived?)(?:\s(?:it|them|this|that|me|us|one|a\snew\sone|back|everything|in|out))?\s(?:to|at|from)
    | \b(?:enter|stop|park|meet\w*|wait|turn|met)(?:\s(?:me|us|him|her|there))?\s(?:on|at|in)
    | \b(?:should|must|can|will|to)\sgo\sto
    | \bit(?:['’]s|\sis)\s(?:in|at|on) | \bcorner\sof | \bfollowing\?
    | \b(?:wohn\w*|wohnhaft|anschrift|adresse|adres|adresi|adresa|adress|direcci[oó]n|domicilio|domicili|indirizzo
      |endere[cç]o|morada|cím|lakcím|osoite|residencia|residenza|résidence|διεύθυνση|адрес\w?|bor\s(?:på|i)|vivo\sen|vive\sen
      |habite\w*|demeurant|abito|abita|moro\sna|mora\sna|mieszka\w?|zamieszka\w+|bydl\w+|lakik|oturuyor\w*|住所|地址)
      (?:\s(?:ist|lautet|est|es|è|é|är|er|in|der|an|au|en|na|to))?
    )
    """
)
"""What announces an address."""

BETWEEN = re.compile(
    r"""(?ix)(?:\s(?:the\ssame|the\s(?:corner|(?:north|south|east|west|other)\sside)\sof))?[\s:"'>(*\-]{0,6}(?:the\scorner\sof\s)?
    (?:(?-i:[^\W\d_a-z])\w+\sand\s)?"""
)
"""What may stand between an announcement and the address."""

REACH, BLOCK = 60, 256
"""Characters between both, and of a block that is searched for announcements."""

MILITARY = re.compile(
    r"(?i)(?:\b(?:USS?\w{0,4} [\w.'’\-]{2,24}(?: [\w.'’\-]{2,24})?|(?:PSC|unit|CMR) \d{1,5},? box \d{1,5}),?\s{1,3})?"
    r"\b[AFD]PO,? A[AEP] \d{5}\b"
)
BOX = re.compile(
    r"(?i)(?:\b(?:PSC|unit|CMR) \d{1,5},? |\b(?:[0-9]{1,5} )?(?:P\.? ?O\.? ?|post office ))box \d{1,7}\b|"
    r"\b(?:apartado(?: de correos| postal)?|caixa postal|casella postale|boîte postale|skrytka pocztowa|"
    rf"{'|'.join(sorted(BOXES))}) (?:n[ºo°]\.? )?\d{{1,3}} ?\d{{1,4}}\b"
)
BOX_STEMS = Stems(" box ", "apartado", "caixa postal", "casella", "boîte", "skrytka", *sorted(BOXES))

FOUNDATION = re.compile(r"(?i)foundation,?[\s*#;/.\\nr\-]{0,20}(?:inc\b|\d)")
"""Before the address that licences print."""

CHINESE = re.compile(
    r"[\u4e00-\u9fff]{2,12}(?:路|街|大道|巷|弄|胡同) ?\d{1,5}[弄号號](?:\d{1,5}[号號])?"
    r"(?:[\u4e00-\u9fff]{0,6}\d{1,4}[室楼樓层階]){0,3}"
)
JAPANESE = re.compile(
    r"(?:〒\d{3}-?\d{4}[ \u3000]?)?[\u4e00-\u9fff]{1,3}[都道府県][\u3040-\u30ff\u4e00-\u9fff]{1,12}[市区町村郡]"
    r"[\u3040-\u30ff\u4e00-\u9fffA-Z]{0,14}\d{1,4}(?:丁目|番地?|号|[-－の]){0,2}(?:\d{1,4}(?:番地?|号|[-－の])?){0,3}"
)
KOREAN = re.compile(
    r"(?:[\uac00-\ud7a3]{2,8}(?:시|도|구|군|읍|면|동) ){1,4}[\uac00-\ud7a3\d]{1,10}(?:로|길) ?\d{1,4}(?:-\d{1,4})?"
    r"(?:번길 ?\d{1,4})?"
)
EASTERN = (("路街道巷弄同", CHINESE), ("都道府県", JAPANESE), ("로길", KOREAN))


def find(window: TextWindow) -> Iterator[Detection]:
    """Streets, boxes, and addresses of the Far East, each with the lines behind it."""
    text = window.text
    announced = Announcements(text)
    for street in streets(text):
        lines = lines_behind(text, street.end)
        start = start_with_unit(text, street.start)
        if (_is_address(street, lines) or announced.before(start)) and not _is_public(text, street):
            yield Detection("address", start, lines.end)
    if window.has_any(BOX_STEMS):
        for box in BOX.finditer(text):
            yield Detection("address", box.start(), lines_behind(text, box.end()).end)
    if "PO A" in text or "po a" in text:
        yield from (Detection("address", *match.span()) for match in MILITARY.finditer(text))
    for signs, pattern in EASTERN if not text.isascii() else ():
        if any(sign in text for sign in signs):
            yield from (Detection("address", *match.span()) for match in pattern.finditer(text))


class Announcements:
    """Where a text announces addresses; searched for block by block, where it is asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: dict[int, list[int]] = {}

    def before(self, start: int) -> bool:
        """Does one stand directly before `start`?"""
        ends = self._ends_in(start // BLOCK)
        place = bisect_right(ends, start) - 1
        if place < 0 or start - ends[place] > REACH:
            return False
        return BETWEEN.fullmatch(self._text, ends[place], start) is not None

    def _ends_in(self, block: int) -> list[int]:
        """Those in a block, and in the reach before it."""
        ends = self._ends.get(block)
        if ends is None:
            first, last = max(0, block * BLOCK - 2 * REACH), (block + 1) * BLOCK
            ends = self._ends[block] = [match.end() for match in ANNOUNCED.finditer(self._text, first, last)]
        return ends


def _is_address(street: Street, lines: Lines) -> bool:
    if street.sure is Sure.STREET or lines.unit or lines.postcode:
        return True
    return lines.digits and street.sure is Sure.LIKELY


def _is_public(text: str, street: Street) -> bool:
    """Printed by licences, known from stories, or the example of a form."""
    number, _, rest = text[street.start : street.end].lower().partition(" ")
    name, *_ = rest.split() or [""]
    if f"{number.strip(',')}-{name}" in PUBLIC:
        return True
    return FOUNDATION.search(text, max(0, street.start - 60), street.end) is not None
