"""What cards and the wallet paid, in the tie-out."""

from decimal import Decimal

from support.agreement import Agreement
from tieout.tie_out.classes import Class
from tieout.tie_out.comparing import compare


def test_what_a_card_paid_is_found_on_the_cards_account() -> None:
    """It never touches clearing; what people post there themselves, such as the card's settlement, is no difference."""
    books = Agreement()
    books.invoice(Decimal(100))
    link = books.pay({0: Decimal(60)}, posted=False)
    books.invoices[0].open -= 60
    books.post(link.parts[0].mark, Decimal(-60), account="2960")
    books.post("STATEMENT", Decimal(60), account="2960")
    result = compare(books.inputs())
    assert (result.differences, result.clean) == ((), True)
    books.post(link.parts[0].mark, Decimal(-60), account="2960")
    found = compare(books.inputs()).differences
    assert [(one.kind, one.documents) for one in found] == [
        (Class.POSTED_TWICE, (link.parts[0].mark, link.payment)),
    ]
