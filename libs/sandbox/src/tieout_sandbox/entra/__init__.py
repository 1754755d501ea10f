"""Entra ID's token endpoint and discovery documents, as a client-credentials client sees them."""

from tieout_sandbox.entra.simulator import EntraSimulator, default_directory
from tieout_sandbox.entra.tokens import InvalidTokenError, TokenKey, read_bearer

__all__ = ["EntraSimulator", "InvalidTokenError", "TokenKey", "default_directory", "read_bearer"]
