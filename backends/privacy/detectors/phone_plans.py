"""How countries write their own numbers: forms that nothing but a phone number has.

Facts from the national numbering plans (ITU-T E.164's annexes, NANPA, Ofcom, ARCEP, Bundesnetzagentur, ACMA): trunk
prefix, length of area codes, and the usual groups. What shares its form with counts and sums (`516 466 638`) is no row.
"""

import re

FORMS = (
    # United States, Canada: neither an area nor an exchange begins with 0 or 1
    r"(?:1[ .\-])?\([2-9]\d\d\)[ .\-]?\d{3}[ .\-]?\d{4}",
    r"(?:1[ .\-])?[2-9]\d\d([ .\-])[2-9]\d\d\1\d{4}",
    r"1[ \-]\d{3}[ \-][2-9]\d\d[ \-]\d{4}",
    # France
    r"0[1-9](?:[ .\-]\d\d){4}",
    # Britain
    r"0(?:2\d|1[1-9]1|11\d|1\d{3}|7\d{3}) \d{3,4} \d{3,4}|0(?:1\d{3}|7\d{3}) \d{6}|07\d \d{4} \d{4}",
    # Germany, Austria
    r"0[2-9]\d{1,3} ?/ ?\d{2,8}(?:[ \-]\d{1,4}){0,3}|01[5-7]\d[ /\-]\d{7,8}|0[2-9]\d{2,3}-\d{6,7}",
    r"06\d\d[ /]\d{3} ?\d{2} ?\d{2}(?:\d\d)?|0[67]\d\d[ /\-]\d{6,8}|0\d{3,4} \d{4,6} \d{3}",
    # Switzerland, Belgium, Sweden, Finland
    r"0[2-9]\d \d{3} \d\d \d\d|04[5-9]\d \d\d \d\d \d\d|0[1-9]\d?-\d{2,3} \d\d \d\d(?: \d\d)?|04\d \d{7}",
    # the Netherlands, Pakistan, Turkey
    r"0[1-9]\d?-\d{7,8}|06 \d{8}|0[3-9]\d\d-\d{6,7}|0[2-5]\d\d[ \-]\d{3} \d\d \d\d",
    # Australia, New Zealand, South Africa, Japan, Korea
    r"04\d\d \d{3} \d{3}|0[2-9] \d{4} \d{4}|0[1-8]\d[ \-]\d{3}[ \-]\d{4}|0[1-9]0-\d{4}-\d{4}",
    # Italy, Romania
    r"0[1-9]\d{0,2}[ /]\d{6,8}|07\d\d[ .]\d{3}[ .]\d{3}",
    # wherever a trunk's 0 stands before the area: three groups or more, of nine to eleven digits
    r"(?=(?:\D{0,3}\d){9,11}\Z)(?!\d{4}(?:[ .]\d{4})+\Z)0[1-9]\d{0,3} ?[ .\-/] ?\d{2,4}(?:[ .\-]\d{2,5}){1,3}",
    # Hungary
    r"(?:\(?06\)?[ \-]?)?[1-9]\d?/\d{3}[ \-]\d{3,4}",
    # Russia, Ukraine, Brazil
    r"8[ \-]?\(?\d{3}\)?[ \-]\d{3}-\d\d-\d\d|0\d\d[ \-]\d{3}-\d\d-\d\d|[1-9]\d 9\d{4}-\d{4}",
    # an area in brackets: Brazil, Hungary, Portugal, Australia, Germany, Britain
    r"\(0?[1-9]\d{1,4}\)[ \-.]?[1-9]\d{1,4}(?:[ .\-/]?\d{2,5}){1,3}",
)

NATIONAL_FORM = re.compile("|".join(f"(?:{form})" for form in FORMS).replace(r"\1", r"[ .\-]"))
"""Any of them, as a whole."""
