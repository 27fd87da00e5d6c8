"""Addresses of many countries are found whole, with or without a postcode; what only has numbers and names is not."""

import pytest

from backends.privacy.detectors.postal_addresses import find
from backends.privacy.redact import merged
from backends.privacy.text_window import TextWindow


def found(text: str) -> list[str]:
    return [text[start:end] for _, start, end in merged(find(TextWindow(text)))]


ALONE = {
    "US": (
        "48 Maple Street",
        "2210 N. Cedar Ave.",
        "17 Old Mill Rd",
        "350 W 42nd St",
        "1204 Bluff Creek Blvd, Suite 9",
    ),
    "US with a box": ("P.O. Box 2217", "PSC 1204, Box 771\nAPO AE 09421", "Unit 2204 Box 19\nDPO AP 96301"),
    "US by its postcode": ("904 Hollow Ferry\nPort Adele, NV 89044", "77 Quarry Inlet, Tully, CO 80014-2231"),
    "US in the fleet": ("USNS Harlan\nFPO AP 96612",),
    "GB": (
        "12 Baker Road",
        "8a Northgate Terrace",
        "Flat 3, 19 Hill Row, Leeds LS6 2AB",
        "97 Dawn Camp\nOtley\nLS21 3AA",
    ),
    "CA": ("455 Rue Laurier Ouest", "12 Ferry Neck, Clarkport, ON B9K 8S4"),
    "AU": ("5/22 Wattle Crescent", "50 Kenneth Glade\nDalby, QLD, 4405"),
    "DE": (
        "Lindenstraße 115a",
        "Berliner Str. 7",
        "Gartenweg 12",
        "Am Markt 5, 04109 Leipzig",
        "Hansaring 14, 50670 Köln",
    ),
    "AT": ("Mariahilfer Gasse 44/3/12", "Josef-Haas-Platz 2"),
    "CH": ("Seestrasse 120", "chemin des Vignes 12"),
    "FR": ("14 rue de la Gare", "3 bis, avenue Jean Moulin", "22 place de la République", "9 impasse des Lilas"),
    "BE": ("Rue de Virton 38", "Kerkstraat 21 bus 4"),
    "NL": ("Prinsengracht 263", "Brinklaan 12-A, 1404 EV Bussum", "Brink 9\n1404 EV Bussum"),
    "ES": ("Calle Mayor, 12", "Avda. de la Paz 7, 3º B", "C/ Olmo 14", "Paseo del Prado nº 8"),
    "IT": ("Via dei Fiori 17", "Piazza San Marco, 3", "viale Europa 22"),
    "PT": ("Rua do Arenque 163", "Travessa da Boavista, 8"),
    "BR": ("Avenida Paulista, 1578", "Rua Barão de Campinas, 940"),
    "SE": ("Storgatan 14", "Västra Hamngatan 5"),
    "NO": ("Karl Johans gate 22, 0026 Oslo", "Breivangvegen 38", "Solveien 9"),
    "DK": ("Søndergade 52", "Vesterbrogade 7, 1620 København V"),
    "FI": ("Mannerheimintie 12", "Koulukatu 98 A"),
    "IS": ("Laugavegur 22", "Þorsteinsgata 63"),
    "PL": ("ul. Zamkowa 33", "al. Jana Pawła II 12"),
    "CZ": ("Mlýnská ulice 1540", "Husova třída 12", "Tylova 285, 363 01 Ostrov"),
    "HU": ("Rákóczi út 66", "Kossuth Lajos utca 12"),
    "HR": ("Vukovarska ulica 58",),
    "EE": ("Pikk tänav 12",),
    "RO": ("Strada Florilor 12", "Bulevardul Unirii nr. 7"),
    "TR": ("Atatürk Caddesi No: 12", "Gül Sokak 5"),
    "GR": ("Λεωφόρος Συγγρού 119",),
    "RU": ("ул. Ленина, д. 5", "Невский проспект 28"),
    "ID": ("Jl. Sudirman No. 15",),
    "CN": ("北京市朝阳区建国路88号",),
    "JP": ("東京都渋谷区神南1丁目2-3",),
    "KR": ("서울특별시 강남구 테헤란로 152",),
}


@pytest.mark.parametrize("country", ALONE)
def test_a_street_with_its_number_is_an_address(country: str) -> None:
    for address in ALONE[country]:
        assert found(f"Is {address} in a flood zone?") == [address]
        assert found(f'{{"to": "{address}"}}') == [address]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Lena lives at 86036 Rua do Arenque 1634, Goiânia", "86036 Rua do Arenque 1634, Goiânia"),
        ("The office is at Edeby 55.", "Edeby 55"),
        ("our new address is 971 Kesk 53\n Suite 343\n Pärnu\n Estonia", "971 Kesk 53\n Suite 343\n Pärnu\n Estonia"),
        ("ask him to stop at the corner of Nieuwe Baan 47 and Elm", "Nieuwe Baan 47"),
        ("she lives on 33 avenue de Provence, call first", "33 avenue de Provence"),
        ("he lives at 255 hersnapvej 18, so", "255 hersnapvej 18"),
        ("Meine Adresse lautet Im Winkel 4.", "Im Winkel 4"),
        ("Please ship it to 65 Evaldas Spurs today", "65 Evaldas Spurs"),
        ("change my address to 57 Harrow Ferry please", "57 Harrow Ferry"),
        ("address line 1: 3 Harrow Gardens", "3 Harrow Gardens"),
        ("it should go to 76 Perry Creek, and soon", "76 Perry Creek"),
    ],
)
def test_a_name_with_a_number_is_one_behind_its_announcement(text: str, address: str) -> None:
    (whole,) = found(text)
    assert address.removeprefix("Im ") in whole


@pytest.mark.parametrize(
    "address",
    [
        "28030 Edeby 55\n Apt. 297\n TYSTBERGA\n Sweden 99178",
        "3369 24 Clarke Avenue\n>Apt. 805\n>Pines Beach\n>New Zealand 34694",
        "14 Crown Street\nLeeds\nLS6 2AB\nUnited Kingdom",
        "Flat 5, 14 Crown Street, Leeds LS6 2AB",
        "904 Quarry Road, Apt 5C, Port Adele, NV 89044",
        "Lindenstraße 14, 10969 Berlin",
        "Jortstraat 41\n5573 OW\nGroeningen",
        "Rua do Arenque 163, 2º, 1100-047 Lisboa",
    ],
)
def test_an_address_is_found_with_all_its_lines(address: str) -> None:
    assert found(f"Rahel Okafor\n{address}\n\nDear Sir or Madam,") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "5 Star Hotel Drive-In and a 4 Lane Road",
        "Chapter 3 Road to Ruin, Part 2 Street Smarts",
        "Wall Street 2008 and 2008 Wall Street, Abbey Road 1969",
        "Spring 2020, Committee 5, Delegate 12, Brigade 7, Katie 5",
        "in 3 places, 5 ways, 12 hours drive, 2 parks",
        "see Table 4, Figure 12, Section 9 and Python 3 Suite",
        "docs/street 12/file.py and src/road/3 main.c",
        "line 12, column 40\nRow 3, 4500 bytes read",
        "from 12 March 2020 to 5 May 2021 at 10 Downing Street",
        "On 17 November 1558 Elizabeth became queen",
        "Free Software Foundation, Inc., 51 Franklin Street, Fifth Floor, Boston, MA 02110-1301, USA.",
        "Power_On_Hours 21044, Wear 3, UDMA_CRC 0",
        "Third 22500 Fourth 27500 Total 120000 Inventory",
        "call via Port 8080, via API 2 or via channel 4",
        "int place 5; drive 3; court = 7; lane 2, row 12",
        "send it to 5 people, move to 12 servers, return to 3 and arrive at 7",
        "Rechnungsnummer 2026-1390, Kundennummer 175917",
    ],
)
def test_other_names_with_numbers_are_no_addresses(text: str) -> None:
    assert found(text) == []
