"""BILL's ids: a prefix that names the kind and characters of both cases, twenty in all. Case matters."""

from hashlib import sha256

LENGTH = 20
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

PREFIXES = {
    "organization": "008",
    "user": "006",
    "vendor": "009",
    "bill": "00n",
    "line": "bli",
    "credit": "vcr",
    "credit_line": "vcl",
    "payment": "stp",
    "bill_payment": "blp",
    "chart-of-accounts": "0ca",
    "departments": "0de",
    "locations": "loc",
    "jobs": "job",
    "accounting-classes": "cls",
    "employees": "emp",
    "items": "0ii",
    "bank": "bac",
    "card": "cat",
    "document": "00h",
    "upload": "0du",
    "void": "void",
}


class Ids:
    """Ids in a fixed sequence, so that the same calls give the same ids."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def new(self, kind: str) -> str:
        """The next id of a kind."""
        prefix = PREFIXES[kind]
        return prefix + self.letters(LENGTH - len(prefix), _ALPHABET)

    def letters(self, length: int, alphabet: str) -> str:
        """The next text over an alphabet."""
        self._count += 1
        number = int.from_bytes(sha256(f"{self._seed}/{self._count}".encode()).digest())
        signs = []
        for _ in range(length):
            number, sign = divmod(number, len(alphabet))
            signs.append(alphabet[sign])
        return "".join(signs)
