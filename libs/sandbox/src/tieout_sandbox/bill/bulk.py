"""Bulk calls: everything or nothing."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tieout_sandbox.bill.errors import Problem, Refusal
from tieout_sandbox.bill.store import Row

Prepared = TypeVar("Prepared")


def all_or_nothing(
    items: Sequence[Any], prepare: Callable[[Any], Prepared], store: Callable[[Prepared], Row]
) -> list[Row]:
    """Store all items once every one has been found good.

    If one is bad, nothing is stored: its own problems and BDC_1246 for each of the others come back, in the order of
    the items, with the status of the first bad one.
    """
    ready: list[Prepared] = []
    problems: list[Problem] = []
    status: int | None = None
    for item in items:
        try:
            ready.append(prepare(item))
        except Refusal as refusal:
            problems.extend(refusal.problems)
            status = status or refusal.status
        else:
            problems.append(Problem("BDC_1246"))
    if status is not None:
        raise Refusal(problems, status)
    return [store(one) for one in ready]
