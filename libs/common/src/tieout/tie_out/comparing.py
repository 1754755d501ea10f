"""A whole tie-out: three equations and every difference, in an order that depends on nothing but the inputs."""

from tieout.tie_out.bills import compare_bills
from tieout.tie_out.clearing import compare_clearing
from tieout.tie_out.inputs import Inputs
from tieout.tie_out.paying import payings
from tieout.tie_out.results import Difference, Result
from tieout.tie_out.subledger import compare_subledger


def compare(inputs: Inputs) -> Result:
    """Compare both ledgers with each other and with what Tieout believes."""
    paying = payings(inputs)
    subledger, of_subledger = compare_subledger(inputs)
    bills, of_bills, outside = compare_bills(inputs, paying)
    clearing, of_clearing = compare_clearing(inputs, paying)
    return Result(
        connection=inputs.connection,
        as_of=inputs.as_of,
        taken=inputs.taken,
        subledger=subledger,
        bill=bills,
        clearing=clearing,
        differences=tuple(sorted((*of_subledger, *of_bills, *of_clearing), key=_place)),
        out_of_scope=outside,
    )


def changed(before: Result | None, now: Result) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """What is new since an earlier run, and what is gone."""
    known = set() if before is None else {_identity(each) for each in before.differences}
    standing = {_identity(each) for each in now.differences}
    appeared = tuple(each for each in now.differences if _identity(each) not in known)
    gone = () if before is None else tuple(each for each in before.differences if _identity(each) not in standing)
    return appeared, gone


def _identity(one: Difference) -> tuple[str, ...]:
    return one.equation, one.kind, one.currency, str(one.amount), *one.documents


def _place(one: Difference) -> tuple[bool, str, str, tuple[str, ...], str]:
    """What nobody expects comes first."""
    return one.expected, one.equation, one.kind, one.documents, str(one.amount)
