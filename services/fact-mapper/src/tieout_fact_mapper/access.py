"""How faust reaches the brokers."""

import ssl

from faust.auth import Credentials, SASLCredentials, SSLCredentials

from tieout.log.clients import KafkaAccess


def credentials(access: KafkaAccess) -> Credentials | None:
    """The same access that librdkafka gets, in faust's form; None for a plain connection."""
    context = None
    if access.security_protocol.upper().endswith("SSL"):
        context = ssl.create_default_context(cafile=access.ca_file or None)
    if access.sasl_mechanism:
        return SASLCredentials(
            username=access.sasl_username,
            password=access.sasl_password.get_secret_value(),
            ssl_context=context,
            mechanism=access.sasl_mechanism,
        )
    return SSLCredentials(context) if context is not None else None
