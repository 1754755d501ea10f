"""Bodies and answers of the calls about tokens."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from tieout_control_plane.api.models import Answer, Body
from tieout_control_plane.tokens import LONGEST_NAME, Role

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f/]+$"),
]


class TokenBody(Body):
    """Whose token it is to be: a name as it will stand in the history of what its owner releases. One person, one."""

    name: Name
    role: Role = Role.OPERATOR


class TokenMade(Answer):
    """A new token. It is shown this once."""

    name: str
    role: Role
    token: str


class TokenShown(Answer):
    """Whose token there is, since when (UTC); the token itself is never shown again."""

    name: str
    role: str
    created: datetime


class TokensShown(Answer):
    """All of them, by name."""

    tokens: list[TokenShown] = Field(default_factory=list)


class TokenRevoked(Answer):
    """Whose token is refused from now on."""

    name: str
