"""Numbers that states give to people, recognised by their form and their check digits.

A number whose check digits fit one in ten others by chance needs its punctuation, or a telling word near it.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from backends.privacy.detection import Detection
from backends.privacy.detectors import national_id_checks as checks
from backends.privacy.detectors.national_id_checks import stdnum
from backends.privacy.text_window import TextWindow
from backends.privacy.word_stems import Stems

BEFORE, AFTER = 80, 25
"""Characters around a number in which a telling word counts."""

LEFT, RIGHT = r"(?<![\w.\-/+])", r"(?![\w/+]|[.\-]\w)"


class IdForm(NamedTuple):
    """How a state's number is written, and whether its check digits are right."""

    shape: str
    is_right: Callable[[str], bool]


ALONE = (
    IdForm(r"\d{3}[- ]\d\d[- ]\d{4}", checks.ssn),  # US SSN
    IdForm(r"9\d\d[- ]\d\d[- ]\d{4}", stdnum("us.itin")),
    IdForm(
        r"[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z] ?\d\d ?\d\d ?\d\d ?[A-Da-d]", checks.nino
    ),
    IdForm(r"[XYZxyz\d](?:[- ]|(?<=[XYZxyz])\.)?\d{7}[- ]?[A-Za-z]", checks.dni),  # Spain
    IdForm(
        r"(?<!\d{4} )[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d(?! \d{4})", checks.nir
    ),  # France
    IdForm(r"\d{3}\.\d{3}\.\d{3}-\d\d", checks.cpf),  # Brazil, people
    IdForm(r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d", checks.cnpj),  # Brazil, firms
    IdForm(r"(?<![\dA-F]{4} )[2-9]\d{3}[ -]\d{4}[ -]\d{4}(?! [\dA-F]{4})", checks.aadhaar),  # India
    IdForm(r"[STFGM]\d{7}[A-Z]", checks.nric),  # Singapore
    IdForm(r"756\.\d{4}\.\d{4}\.\d\d", stdnum("ch.ssn")),
    IdForm(r"[0-3]\d[01]\d{3}[-+A-FU-Y]\d{3}[\dA-FHJ-NPR-Y]", stdnum("fi.hetu")),
    IdForm(r"[1-8]\d{5}(?:19|20)\d\d[01]\d[0-3]\d{4}[\dXx]", stdnum("cn.ric")),
    IdForm(r"\d\d[01]\d[0-3]\d-[1-8]\d{6}", stdnum("kr.rrn")),
    IdForm(r"[A-Z]{4}\d\d[01]\d[0-3]\d[HM][A-Z]{5}[A-Z\d]\d", stdnum("mx.curp")),
    IdForm(r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", stdnum("cl.rut")),
    IdForm(r"(?:2[0347]|3[034])-\d{8}-\d", stdnum("ar.cuit")),
    IdForm(r"\d-\d{4}-\d{5}-\d\d-\d", stdnum("th.pin")),
    IdForm(r"\d\d[0156]\d[0-3]\d/\d{3,4}", stdnum("cz.rc")),
    IdForm(r"\d\d\.[01]\d\.[0-3]\d-\d{3}\.\d\d", stdnum("be.nn")),
)
"""Forms that need no word."""

ALONE_FORM = re.compile(f"{LEFT}(?:{'|'.join(f'(?:{form.shape})' for form in ALONE)}){RIGHT}")
ALONE_FORMS = tuple((re.compile(f"{LEFT}(?:{form.shape}){RIGHT}"), form.is_right) for form in ALONE)

LETTERED = (
    IdForm(r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", checks.always),  # India's PAN
    IdForm(
        r"[A-Za-z]{6}[\dLMNP-Vl-v]{2}[A-EHLMPRSTa-ehlmprst][\dLMNP-Vl-v]{2}[A-Za-z][\dLMNP-Vl-v]{3}[A-Za-z]",
        checks.codice_fiscale,  # Italy
    ),
)
LETTERED_FORMS = tuple((re.compile(f"{LEFT}(?:{form.shape}){RIGHT}"), form.is_right) for form in LETTERED)
"""Forms with few digits in a row, which are a run of letters and digits."""

TOLD: tuple[tuple[str, IdForm], ...] = (
    ("ssn, social security", IdForm(r"\d{9}", checks.ssn)),
    ("steuer*, idnr*, tin, tax*, identifikationsnummer", IdForm(r"\d\d ?\d{3} ?\d{3} ?\d{3}", checks.steuer_id)),
    ("dni, nif", IdForm(r"\d\d\.?\d{3}\.\d{3}[- ][A-Za-z]", checks.always)),
    ("cpf", IdForm(r"\d{11}", checks.cpf)),
    ("pesel*", IdForm(r"\d{11}", checks.pesel)),
    ("aadhaar*, aadhar*, adhaar*, uidai, आधार, kyc, government of india", IdForm(r"[2-9]\d{11}", checks.aadhaar)),
    ("bsn, burgerservice*", IdForm(r"\d{4}\.?\d\d\.?\d{3}|\d{9}", checks.bsn)),
    ("sin, social insurance, nas", IdForm(r"\d{3}[- ]?\d{3}[- ]?\d{3}", stdnum("ca.sin"))),
    ("nhs", IdForm(r"\d{3}[- ]?\d{3}[- ]?\d{4}", stdnum("gb.nhs"))),
    ("tfn, tax file", IdForm(r"\d{3} ?\d{3} ?\d{2,3}", stdnum("au.tfn"))),
    ("ird", IdForm(r"\d{2,3}-?\d{3}-?\d{3}", stdnum("nz.ird"))),
    ("pps*", IdForm(r"\d{7}[A-Wa-w][ABWabw]?", stdnum("ie.pps"))),
    ("svnr, sozialvers*, versicherungs*", IdForm(r"\d{4} ?\d{6}", stdnum("at.vnr"))),
    ("ahv*, avs, sozialvers*", IdForm(r"756 ?\d{4} ?\d{4} ?\d\d", stdnum("ch.ssn"))),
    ("rijksregister*, registre national, niss, insz, nationaal", IdForm(r"\d{6}[- ]?\d{3}[- ]?\d\d", stdnum("be.nn"))),
    ("nif, contribuinte", IdForm(r"\d{3} ?\d{3} ?\d{3}", stdnum("pt.nif"))),
    ("cartão de cidadão, cc", IdForm(r"\d{8} ?\d ?[A-Z]{2}\d", stdnum("pt.cc"))),
    ("personnummer, samordningsnummer, personnr", IdForm(r"(?:\d\d)?\d{6}[-+]?\d{4}", stdnum("se.personnummer"))),
    ("fødselsnummer, fodselsnummer, personnummer", IdForm(r"\d{6} ?\d{5}", stdnum("no.fodselsnummer"))),
    ("cpr*, personnummer", IdForm(r"\d{6}[- ]?\d{4}", stdnum("dk.cpr"))),
    ("kennitala*", IdForm(r"\d{6}-?\d{4}", stdnum("is_.kennitala"))),
    ("isikukood*", IdForm(r"[1-8]\d{10}", stdnum("ee.ik"))),
    ("asmens kod*", IdForm(r"[1-6]\d{10}", stdnum("lt.asmens"))),
    ("personas kod*", IdForm(r"\d{6}-?\d{5}", stdnum("lv.pvn"))),
    ("rodné číslo, rodne cislo", IdForm(r"\d{9,10}", stdnum("cz.rc"))),
    ("oib", IdForm(r"\d{11}", stdnum("hr.oib"))),
    ("emšo, emso, jmbg", IdForm(r"\d{13}", stdnum("si.emso"))),
    ("cnp, cod numeric", IdForm(r"[1-9]\d{12}", stdnum("ro.cnp"))),
    ("егн, egn", IdForm(r"\d{10}", stdnum("bg.egn"))),
    ("αμκα, amka", IdForm(r"\d{11}", stdnum("gr.amka"))),
    ("инн", IdForm(r"\d{12}", stdnum("ru.inn"))),
    ("рнокпп, іпн, ідентифікаційний", IdForm(r"\d{10}", stdnum("ua.rntrc"))),
    ("kimlik*, tckn, tc no", IdForm(r"[1-9]\d{10}", stdnum("tr.tckimlik"))),
    ("teudat zehut, ת.ז, תעודת זהות, israeli id", IdForm(r"\d{9}", stdnum("il.idnr"))),
    ("id number, identity number, sa id, rsa id", IdForm(r"\d{6} ?\d{4} ?\d{3}", stdnum("za.idnr"))),
    ("マイナンバー, my number, mynumber, 個人番号", IdForm(r"\d{4} ?\d{4} ?\d{4}", stdnum("jp.in_"))),
    ("주민등록번호, rrn", IdForm(r"\d{13}", stdnum("kr.rrn"))),
    ("nik, ktp", IdForm(r"\d{16}", stdnum("id.nik"))),
    ("mykad, nric, kad pengenalan", IdForm(r"\d{6}-?\d\d-?\d{4}", stdnum("my.nric"))),
    ("เลขประจำตัวประชาชน, thai id", IdForm(r"\d{13}", stdnum("th.pin"))),
    ("rut, run, rol único", IdForm(r"\d{7,8}-?[\dkK]", stdnum("cl.rut"))),
    ("cuit, cuil", IdForm(r"\d{11}", stdnum("ar.cuit"))),
    ("dni", IdForm(r"\d\d\.\d{3}\.\d{3}", checks.always)),  # Argentina
    ("cédula, cedula", IdForm(r"\d{10}|\d{3}-?\d{7}-?\d", stdnum("do.cedula"))),
    ("curp", IdForm(r"[A-Z]{4}\d{6}[A-Z\d]{8}", stdnum("mx.curp"))),
    ("rfc", IdForm(r"[A-Z&Ñ]{4}\d{6}[A-Z\d]{3}", stdnum("mx.rfc"))),
    ("itin", IdForm(r"9\d{8}", stdnum("us.itin"))),
)
"""Forms that count beside one of their words; a star stands for any ending."""


def _word(word: str) -> str:
    escaped = re.escape(word.rstrip("*"))
    return (
        rf"(?<![^\W\d_]){escaped}"
        if word.endswith("*") or not word.isascii()
        else rf"(?<![^\W\d_]){escaped}(?![^\W\d_])"
    )


class ToldForm(NamedTuple):
    """A form that counts near its words."""

    stems: Stems
    word: re.Pattern[str]
    pattern: re.Pattern[str]
    is_right: Callable[[str], bool]


TOLD_FORMS = tuple(
    ToldForm(
        Stems(*(word.rstrip("*") for word in words.split(", "))),
        re.compile(f"(?i){'|'.join(map(_word, words.split(', ')))}"),
        re.compile(f"{LEFT}(?:{form.shape}){RIGHT}"),
        form.is_right,
    )
    for words, form in TOLD
)


def find(window: TextWindow) -> Iterator[Detection]:
    """National ids in a text: those of a form that is enough, and those beside their word."""
    text = window.text
    for start, stop in window.key_runs:
        for pattern, is_right in LETTERED_FORMS:
            found = (match for match in pattern.finditer(text, start, stop) if is_right(match[0]))
            yield from (Detection("national-id", *match.span()) for match in found)
    if not window.has_number:
        return
    for start, stop in window.number_stretches:
        for match in ALONE_FORM.finditer(text, start, stop):
            yield from _alone(text, match)
    for form in TOLD_FORMS:
        if window.has_any(form.stems):
            yield from _told(window, form)


def _alone(text: str, match: re.Match[str]) -> Iterator[Detection]:
    for pattern, is_right in ALONE_FORMS:
        own = pattern.match(text, match.start())
        if own is not None and is_right(own[0]):
            yield Detection("national-id", *own.span())


def _told(window: TextWindow, form: ToldForm) -> Iterator[Detection]:
    text = window.text
    for start, stop in window.number_stretches:
        for match in form.pattern.finditer(text, start, stop):
            told = form.word.search(text, max(0, match.start() - BEFORE), match.end() + AFTER)
            if told is not None and form.is_right(match[0]):
                yield Detection("national-id", *match.span())
