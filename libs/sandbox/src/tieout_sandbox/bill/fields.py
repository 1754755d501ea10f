"""Request bodies against tables of fields: what is required, how long, which values; the rest is dropped in silence.

BILL ignores properties it does not know. What it does know must have the right type.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from tieout_sandbox.bill.errors import Problem, Refusal
from tieout_sandbox.bill.times import read_day

CENT = Decimal("0.01")
# Above this a JSON number with two decimals is no longer exact in the programs that read it.
MOST = Decimal(10) ** 13


class Kind(Enum):
    """What a value must be."""

    TEXT = "a string"
    DAY = "a date yyyy-MM-dd"
    MONEY = "a number with at most two decimals"
    NUMBER = "a number"
    FLAG = "true or false"
    OBJECT = "an object"
    LIST = "an array"


@dataclass(frozen=True)
class Field:
    """One property of a request body; ``inside`` describes an object or the items of an array."""

    kind: Kind = Kind.TEXT
    required: bool = False
    longest: int | None = None
    options: tuple[str, ...] = ()
    inside: Mapping[str, "Field"] = field(default_factory=dict)


Fields = Mapping[str, Field]


def read(fields: Fields, body: Any, *, partial: bool = False) -> dict[str, Any]:
    """The known properties of a body; all problems at once in a Refusal with status 400.

    With ``partial`` (PATCH) absent properties are allowed, and None stands for a property to be emptied.
    """
    problems: list[Problem] = []
    if not isinstance(body, Mapping):
        raise Refusal([Problem("BDC_1124", "the body must be an object")])
    values = _object(fields, body, "", problems, partial=partial)
    if problems:
        raise Refusal(problems, 400)
    return values


def _object(
    fields: Fields, body: Mapping[str, Any], path: str, problems: list[Problem], *, partial: bool
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, rule in fields.items():
        here = f"{path}{name}"
        value = body.get(name)
        if value is None or (rule.required and value in ("", [])):
            if rule.required and (name in body or not partial):
                problems.append(Problem("BDC_1117", f"{here}: must not be {'null' if value is None else 'empty'}"))
            elif partial and name in body:
                values[name] = None
            continue
        values[name] = _value(rule, value, here, problems, partial=partial)
    return values


def _value(rule: Field, value: Any, here: str, problems: list[Problem], *, partial: bool) -> Any:
    if not _fits(rule.kind, value):
        problems.append(Problem("BDC_1124", f"{here}: must be {rule.kind.value}"))
    elif rule.options and value not in rule.options:
        problems.append(Problem("BDC_1119", f"{here}: must be one of {', '.join(rule.options)}"))
    elif rule.longest is not None and len(str(value)) > rule.longest:
        name = here.rpartition(".")[2]
        text = f"{name}: Maximum length cannot be greater than {rule.longest} characters."
        problems.append(Problem("BDC_1143", text))
    elif rule.kind is Kind.OBJECT:
        return _object(rule.inside, value, f"{here}.", problems, partial=partial)
    elif rule.kind is Kind.LIST:
        return _list(rule, value, here, problems, partial=partial)
    elif rule.kind in (Kind.MONEY, Kind.NUMBER):
        return Decimal(value)
    return value


def _list(rule: Field, value: list[Any], here: str, problems: list[Problem], *, partial: bool) -> list[Any]:
    items: list[Any] = []
    for index, item in enumerate(value):
        at = f"{here}[{index}]"
        if not isinstance(item, Mapping):
            problems.append(Problem("BDC_1124", f"{at}: must be an object"))
            continue
        # A line that PATCH does not know by its id is a new one, so nothing of it may be missing.
        known = partial and "id" in item
        items.append(_object(rule.inside, item, f"{at}.", problems, partial=known))
    return items


def _fits(kind: Kind, value: Any) -> bool:
    if kind in (Kind.MONEY, Kind.NUMBER):
        return _is_number(value) and (kind is Kind.NUMBER or Decimal(value) == Decimal(value).quantize(CENT))
    if kind is Kind.DAY:
        return isinstance(value, str) and _is_day(value)
    expected: dict[Kind, type] = {Kind.TEXT: str, Kind.FLAG: bool, Kind.OBJECT: dict, Kind.LIST: list}
    return isinstance(value, expected[kind])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and abs(Decimal(value)) < MOST


def _is_day(text: str) -> bool:
    try:
        read_day(text)
    except ValueError:
        return False
    return True


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What PATCH makes of an object: objects are merged, None empties, everything else replaces."""
    result = dict(old)
    for name, value in new.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(old.get(name), Mapping):
            result[name] = merged(old[name], value)
        else:
            result[name] = value
    return result


def populated(value: Any) -> Any:
    """A response body without what is not populated: no nulls, no empty texts, no empty objects."""
    if isinstance(value, Mapping):
        inside = {name: populated(one) for name, one in value.items()}
        return {name: one for name, one in inside.items() if one is not None and one not in ("", {})}
    if isinstance(value, list):
        return [populated(one) for one in value]
    return value
