"""Names: how one link needs another. ERP numbers, in upper case because ERP code fields know no other."""

from functools import lru_cache

SETTINGS = "settings"
"""The settings of the connection: what waits for it looks at them again when they change."""


def account(number: str) -> str:
    """A general ledger account by its number."""
    return f"account:{_code(number)}"


def vendor(number: str, currency: str) -> str:
    """A vendor by its number, in one currency."""
    return f"vendor:{_code(number)}:{currency}"


def dimension(code: str, value: str) -> str:
    """A value of a dimension, both by code."""
    return f"dimension:{_code(code)}:{_code(value)}"


def bill(invoice: str) -> str:
    """The bill of an invoice, by the ERP's id of the invoice."""
    return f"bill:{invoice}"


def approved(bill: str) -> str:
    """That BILL lets a bill be paid, by BILL's id."""
    return f"approved:{bill}"


def target(kind: str, identity: str) -> str:
    """What an object of the outside belongs to, by its id there, which is case-sensitive."""
    return f"target:{kind}:{identity}"


@lru_cache(maxsize=4096)
def _code(text: str) -> str:
    """``/`` separates the parts of a row's key and ``:`` those of a name, so both are written out."""
    return text.strip().upper().replace("%", "%25").replace("/", "%2F").replace(":", "%3A")
