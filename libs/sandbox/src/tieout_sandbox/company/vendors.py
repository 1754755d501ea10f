"""Vendors: names as they occur, in two currencies, and the odd ones that every company has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

_FIRST = (
    "Adventure", "Blue Yonder", "Cormorant", "Datum", "Everline", "Fabrikam", "Granite Peak", "Hollis", "Ironbark",
    "Juniper", "Kestrel", "Litware", "Meridian", "Northwind", "Oakhurst", "Pinecrest", "Quillan", "Redstone",
    "Sandpiper", "Tailspin", "Umbra", "Vantage", "Wingtip", "Yarrow",
)  # fmt: skip
_SECOND = (
    "Office Supply", "Logistics", "Consulting", "Utilities", "Software", "Facilities", "Print & Sign", "Electrical",
    "Packaging", "Travel", "Catering", "Staffing",
)  # fmt: skip
_KIND = ("Inc.", "LLC", "Ltd.", "& Co.", "Partners LLP", "Corp.")
_CITIES = (
    ("Atlanta", "GA", "30303"), ("Chicago", "IL", "60611"), ("Miami", "FL", "33130"), ("Detroit", "MI", "48201"),
    ("Portland", "OR", "97205"), ("Boston", "MA", "02110"), ("Denver", "CO", "80202"),
)  # fmt: skip
_STREETS = ("Main Street", "Harbor Road", "2nd Avenue", "Industrial Parkway", "Elm Street")
_TERMS = ("30 DAYS", "30 DAYS", "15 DAYS", "CM", "2%10 30")

# name, street, city, country, postal code
_EUROPEAN = (
    ("Müller & Söhne GmbH", "Königstraße 12", "Köln", "DE", "50667"),
    ("Société Générale d'Équipement", "3 rue de l'Évêché", "Orléans", "FR", "45000"),
    ("Ångström Instrument AB", "Östra Hamngatan 7", "Göteborg", "SE", "411 10"),
    ("Çelik Lojistik Ltd. Şti.", "İstiklal Cd. 45", "Dublin", "IE", "D02 X285"),
    ("Fábrica Peñarroya, S.A.", "Calle Núñez 18", "Coruña", "ES", "15001"),
    ("Žižkov Tiskárna s.r.o.", "Ječná 5", "Bratislava", "SK", "811 01"),
)

NO_ADDRESS = "V09010"
BLOCKED_ALL = "V09020"
BLOCKED_PAYMENT = "V09030"
LONG = ("V09040", "The International Association of Independent Freight Forwarders and Customs Brokers of Ohio LP")
AMPERSAND = ("#90/B 5", 'O\'Brien, "Bo" & Daughters <Catering>')
# Two branches of one company: in BILL they are told apart by their numbers alone.
TWINS = (("V09060", "Northwind Power"), ("V09065", "Northwind Power"))
ODD = 7


@dataclass(frozen=True)
class Vendor:
    """A vendor of the ERP's world; ``usual`` ones get invoices of every kind."""

    number: str
    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    usual: bool = True


def vendors(choose: Random, count: int) -> list[Vendor]:
    """So many vendors, about one in seven paid in euros."""
    plain = _names(choose)
    foreign = max(2, (count - ODD) // 7)
    made = [_foreign(place) for place in range(min(foreign, len(_EUROPEAN)))]
    rest = range(count - ODD - len(made))
    made += [_domestic(choose, f"V{10_000 + 10 * place:05d}", next(plain)) for place in rest]
    return made + _odd(choose)


def _names(choose: Random) -> Iterator[str]:
    """Names, none twice."""
    pairs = [(first, second) for first in _FIRST for second in _SECOND]
    choose.shuffle(pairs)
    for first, second in pairs:
        yield f"{first} {second} {choose.choice(_KIND)}"


def _domestic(choose: Random, number: str, name: str, *, usual: bool = True, **more: Any) -> Vendor:
    city, state, code = choose.choice(_CITIES)
    fields = {
        "address_line1": f"{choose.randint(1, 990)} {choose.choice(_STREETS)}",
        "city": city,
        "state": state,
        "country": "US",
        "postal_code": code,
        "email": f"ap@{number.strip('#').replace('/', '').replace(' ', '').lower()}.example",
        "phone_number": f"+1 555 {choose.randint(1_000_000, 9_999_999)}",
        "payment_terms": choose.choice(_TERMS),
        "posting_group": "DOMESTIC",
    }
    return Vendor(number, name, {**fields, **more}, usual)


def _foreign(place: int) -> Vendor:
    name, street, city, country, code = _EUROPEAN[place]
    fields = {
        "address_line1": street,
        "city": city,
        "country": country,
        "postal_code": code,
        "email": f"buchhaltung{place}@vendors.example;rechnung{place}@vendors.example",
        "payment_terms": "30 DAYS",
        "posting_group": "FOREIGN",
        "currency_code": "EUR",
    }
    return Vendor(f"V{20_000 + 10 * place:05d}", name, fields)


def _odd(choose: Random) -> list[Vendor]:
    nowhere = {"address_line1": "", "city": "", "postal_code": ""}
    return [
        _domestic(choose, NO_ADDRESS, "Hidden Valley Repairs", usual=False, **nowhere),
        _domestic(choose, BLOCKED_ALL, "Closed & Gone Ltd.", usual=False),
        _domestic(choose, BLOCKED_PAYMENT, "Disputed Deliveries LLC", usual=False),
        _domestic(choose, *LONG),
        _domestic(choose, *AMPERSAND),
        *(_domestic(choose, number, name) for number, name in TWINS),
    ]
