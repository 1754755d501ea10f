"""Which credentials each side needs, as data: what a person gives and what a connector finds in the store."""

from collections.abc import Mapping
from typing import Final

from tieout.domain.settings import Side

BILL_FIELDS: Final[dict[str, str]] = {
    "user": "BILL user's e-mail, or the name of an AP & AR sync token",
    "password": "its password, or the sync token's value",
    "developer_key": "the developer key of the same environment",
}
ERP_FIELDS: Final[dict[str, dict[str, str]]] = {
    "business-central": {
        "client_id": "the application's id in Entra",
        "client_secret": "a client secret of it",
    },
}


def fields_of(side: Side, erp_kind: str) -> Mapping[str, str]:
    """The fields of a side's credentials with their meaning. KeyError for an ERP that is not known."""
    return BILL_FIELDS if side is Side.BILL else ERP_FIELDS[erp_kind]


def problems(side: Side, erp_kind: str, values: Mapping[str, object]) -> list[str]:
    """What is wrong with given credentials, one sentence each, without any value.

    Unknown names are only counted: somebody may have swapped a name and its value.
    """
    needed = fields_of(side, erp_kind)
    found = [f"{name} is missing: {meaning}" for name, meaning in needed.items() if name not in values]
    for name in needed:
        value = values.get(name)
        if name in values and (not isinstance(value, str) or not value.strip()):
            found.append(f"{name} is empty or no text: {needed[name]}")
        elif isinstance(value, str) and (value != value.strip() or not value.isprintable()):
            found.append(f"{name} begins or ends with a blank, or has a character that cannot be typed")
    unknown = len(values.keys() - needed.keys())
    if unknown:
        found.append(f"{unknown} field(s) that the {side} side does not have; it has {', '.join(needed)}")
    return found
