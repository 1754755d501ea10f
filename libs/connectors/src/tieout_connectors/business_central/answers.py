"""What answers of Business Central mean to whoever called: JSON, or the error that the table says."""

from typing import Any

from tieout.domain.errors import Fatal, RecoveryError, Retry
from tieout_connectors.business_central.errors import Classified, classify
from tieout_connectors.http.call import Answer


class TokenLapsed(Retry):
    """A list's continuation is no longer valid: it has to be read again from its beginning."""


def json_of(call: str, answer: Answer) -> Any:
    """The document of a successful answer. Raises what the table says where it is none."""
    try:
        return answer.json()
    except ValueError as error:
        raise classified(call, answer).error(call, answer.status) from error


def classified(call: str, answer: Answer) -> Classified:
    """What may be done after this answer."""
    return classify(call, answer.status, answer.body, retry_after=answer.headers.get("retry-after", ""))


def refusal(call: str, answer: Answer) -> RecoveryError:
    """The error of an answer that is no success."""
    verdict = classified(call, answer)
    if verdict.code.endswith("SkipTokenIsNoLongerValid"):
        return TokenLapsed(verdict.message, code=verdict.code, call=call, status=answer.status)
    return verdict.error(call, answer.status)


def refused_twice(call: str, answer: Answer) -> Fatal:
    """A fresh token is refused too: it is not its age."""
    cure = (
        "Register the client id on the page Microsoft Entra applications of this environment, set it to Enabled and "
        "give it the permission sets named in Tieout's documentation."
    )
    verdict = classified(call, answer)
    return Fatal(verdict.message, code=verdict.code, call=call, cure=cure, status=401)
