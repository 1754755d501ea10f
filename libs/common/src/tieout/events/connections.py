"""The connections of an installation, for the services: one row per connection, the latest holds."""

from collections.abc import Mapping

from tieout.domain.settings import ConnectionSettings, Side
from tieout.events.envelope import Payload


class ConnectionApplied(Payload):
    """A connection as it stands.

    Attributes:
        generation: of the settings; rises by one with every change of them.
        secret_versions: of the credentials of each side, 0 if none were given; compared for equality only.
    """

    generation: int
    settings: ConnectionSettings
    secret_versions: Mapping[Side, int] = {}
