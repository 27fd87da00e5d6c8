"""Numbers of people in many states: with right check digits found, in their form or beside their word; else not."""

from importlib import import_module
from itertools import product
from typing import Any

import pytest

from backends.privacy.detectors.national_ids import find
from backends.privacy.redact import merged
from backends.privacy.text_window import TextWindow


def found(text: str) -> list[str]:
    return [text[start:end] for _, start, end in merged(find(TextWindow(text)))]


def numbers(module: str, template: str, signs: str = "0123456789") -> tuple[str, str]:
    """A number of this form with right check digits, and one with wrong ones, "" where there are no check digits: `?`
    stands for one of `signs`.
    """
    pytest.importorskip("stdnum")
    check: Any = import_module(f"stdnum.{module}")
    made = [template.replace("?", "{}").format(*each) for each in product(signs, repeat=template.count("?"))]
    right = next(number for number in made if check.is_valid(number))
    return right, next((number for number in made if not check.is_valid(number)), "")


ALONE = (
    ("us.itin", "9?2-7?-4417"),
    ("ch.ssn", "756.3047.5519.??"),
    ("fi.hetu", "140783-51??"),
    ("cn.ric", "1101051983071455??"),
    ("kr.rrn", "830714-12345??"),
    ("mx.curp", "LOOA830714HDFPRR0?"),
    ("cl.rut", "14.772.80?-?"),
    ("ar.cuit", "20-2718830?-?"),
    ("th.pin", "3-1018-00552-7?-?"),
    ("cz.rc", "835714/44??"),
    ("be.nn", "83.07.14-551.??"),
)


@pytest.mark.parametrize(("module", "template"), ALONE)
def test_a_form_of_its_own_needs_no_word(module: str, template: str) -> None:
    right, wrong = numbers(module, template, "0123456789ABCDEFHJKLMNPRSTUVWXY" if module == "fi.hetu" else "0123456789")
    assert found(f"so {right}, then") == [right]
    assert not wrong or found(f"so {wrong}, then") == []


TOLD = (
    ("ca.sin", "SIN", "473 551 8??"),
    ("gb.nhs", "NHS number", "473 551 82??"),
    ("au.tfn", "tax file number", "473 551 8??"),
    ("nz.ird", "IRD", "47-355-1??"),
    ("at.vnr", "SVNR", "47?? 140783"),
    ("be.nn", "rijksregisternummer", "830714551??"),
    ("pt.nif", "NIF", "2473551??"),
    ("se.personnummer", "personnummer", "830714-55??"),
    ("no.fodselsnummer", "fødselsnummer", "140783 55???"),
    ("dk.cpr", "CPR", "140783-55??"),
    ("is_.kennitala", "kennitala", "140783-55?9"),
    ("ee.ik", "isikukood", "383071455??"),
    ("lt.asmens", "asmens kodas", "383071455??"),
    ("lv.pvn", "personas kods", "140783-155??"),
    ("hr.oib", "OIB", "473551829??"),
    ("si.emso", "EMŠO", "14079835055??"),
    ("ro.cnp", "CNP", "18307144055??"),
    ("bg.egn", "ЕГН", "83071455??"),
    ("gr.amka", "AMKA", "140783055??"),
    ("ru.inn", "ИНН", "4735518290??"),
    ("tr.tckimlik", "T.C. kimlik no", "473551829??"),
    ("il.idnr", "teudat zehut", "4735518??"),
    ("za.idnr", "ID number", "83071455510??"),
    ("jp.in_", "マイナンバー", "4735 5182 90??"),
    ("id.nik", "NIK", "31710114078300??"),
    ("my.nric", "MyKad", "830714-14-55??"),
    ("do.cedula", "cédula", "473-551829?-?"),
    ("mx.rfc", "RFC", "LOOA8307141??"),
)


@pytest.mark.parametrize(("module", "word", "template"), TOLD)
def test_a_number_with_its_word_is_found(module: str, word: str, template: str) -> None:
    right, wrong = numbers(module, template)
    assert found(f"my {word} is {right}.") == [right]
    assert found(f"{right} is her {word}") == [right]
    assert not wrong or wrong not in found(f"my {word} is {wrong}.")


@pytest.mark.parametrize(
    "text",
    [
        "order 473 551 829, row 4735518290, epoch 1764058704123",
        "built 830714-5512 and 14.772.808 bytes",
        "meeting about taxing singers: 473551829",
        "0756.3047.5519.02 and v756.3047.5519.021",
        "6B61 5DDF 8093 8352 8841 671A 5843",
        "S1234567A is out of stock",
    ],
)
def test_other_numbers_pass(text: str) -> None:
    assert found(text) == []


def test_a_number_of_singapore_is_found_by_its_letter() -> None:
    letters = [letter for letter in "ABCDEFGHIZJ" if found(f"NRIC S8307145{letter} ok")]
    assert len(letters) == 1
