"""What is opened with the secrets of the store: readers, and documents' keys."""

import asyncio
from collections.abc import Mapping

from tieout.connections.documents import document_key
from tieout.connections.key_wrapper import WrongMasterKey
from tieout.connections.registry import ConnectionView
from tieout.connections.secrets import Purpose, Secret, SecretStore, SecretUnreadable, StoreNotReady
from tieout.domain.errors import Fatal, Retry
from tieout.domain.settings import Side
from tieout_connectors.opening import READERS, Factory, open_erp
from tieout_erp_poller.connectors import PolledErp


class StoreReaders:
    """Opens a connection's ERP with what the store holds now."""

    def __init__(self, store: SecretStore, factories: Mapping[str, Factory[PolledErp]] = READERS) -> None:
        self._store = store
        self._factories = factories

    async def open(self, view: ConnectionView) -> PolledErp:
        """A reader; the caller closes it.

        Raises:
            Retry: the store does not answer.
            Fatal: there are no credentials, they do not open, or the connector cannot use them.
        """
        secret = await asyncio.to_thread(self._credentials, view.connection)
        return open_erp(self._factories, view.settings.erp, secret.reveal())

    async def document_key(self, connection: str) -> bytes:
        """The key that the connection's documents are sealed with.

        Raises:
            Retry: the store does not answer, or control-plane has made no key yet.
            Fatal: it does not open.
        """
        try:
            key = await asyncio.to_thread(document_key, self._store, connection, Side.ERP)
        except StoreNotReady as error:
            raise Retry(str(error), code="store") from error
        except (SecretUnreadable, WrongMasterKey) as error:
            raise Fatal(
                str(error), code="secret", cure="Restore the database, or the key it was sealed with."
            ) from error
        if key is None:
            raise Retry("control-plane has made no key for documents yet", code="no_document_key")
        return key

    def _credentials(self, connection: str) -> Secret:
        cure = f"tieout connections secret set {connection} erp"
        try:
            secret = self._store.get(connection, Side.ERP, Purpose.CREDENTIALS)
        except StoreNotReady as error:
            raise Retry(str(error), code="store") from error
        except (SecretUnreadable, WrongMasterKey) as error:
            raise Fatal(str(error), code="secret", cure=cure) from error
        if secret is None:
            raise Fatal("no credentials were given for the ERP side", code="no_credentials", cure=cure)
        return secret
