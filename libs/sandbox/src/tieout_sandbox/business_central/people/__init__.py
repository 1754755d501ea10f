"""What people do in the client, as a table of actions: ``act(books, {"do": name, ...})``.

An order is an object with ``do`` and the action's own fields; amounts are strings or numbers, days are ISO dates. The
answer names what was made. A refusal is the one the client would show.
"""

from collections.abc import Callable
from typing import Any

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.people import documents, ledgers, masters

Action = Callable[[Books, dict[str, Any]], dict[str, Any]]
ACTIONS: dict[str, Action] = {**masters.ACTIONS, **documents.ACTIONS, **ledgers.ACTIONS}


def act(books: Books, order: dict[str, Any]) -> dict[str, Any]:
    """Do one order, all or nothing.

    Raises:
        ValueError: No such action, or a field is missing or wrong.
        Refusal: The client would refuse it.
    """
    action = ACTIONS.get(order.get("do", ""))
    if action is None:
        raise ValueError(f"unknown action {order.get('do')!r}; there are: {', '.join(sorted(ACTIONS))}")
    try:
        with books.store.transaction():
            return action(books, order)
    except KeyError as error:
        raise ValueError(f"{order['do']}: missing {error}") from error
