"""From a connection's settings and credentials to a client that can call BILL."""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

from tieout.connections.documents import DocumentLost, document_key, opened, read_chunks
from tieout.connections.fingerprints import fingerprint_key
from tieout.connections.key_wrapper import WrongMasterKey
from tieout.connections.registry import ConnectionView
from tieout.connections.secrets import Purpose, Secret, SecretStore, SecretUnreadable, StoreNotReady
from tieout.domain.errors import Fatal, Reject, Retry
from tieout.domain.settings import Side
from tieout.events.commands import DocumentCommand
from tieout.log.clients import KafkaAccess
from tieout.log.topics import Names
from tieout_bill_writer.gate import OrganizationGate
from tieout_bill_writer.meters import Meters
from tieout_bill_writer.organization import Organization
from tieout_bill_writer.sessions import StoredSessions
from tieout_connectors.bill.client import BillClient
from tieout_connectors.bill.settings import Addresses, Credentials, kind_of
from tieout_connectors.http.session import open_session, trust


@dataclass(frozen=True)
class Opener:
    """Opens the BILL side of connections. ``timeout`` is that of a call, ``document_slow`` as in ``Organization``."""

    secrets: SecretStore
    meters: Meters
    access: KafkaAccess
    names: Names
    timeout: float
    document_slow: float

    async def open(self, view: ConnectionView) -> Organization:
        """A client for these settings and the newest credentials.

        Raises:
            Fatal: there are no credentials, or they or the authority's file cannot be used.
            Retry: the store of secrets does not answer, or the budget is another process's.
        """
        bill = view.settings.bill
        meter = self.meters.of(bill.budget)
        secret = await self._credentials(view.connection)
        verify = await asyncio.to_thread(_trusted, bill.ca_file)
        credentials = Credentials(
            name=secret["user"],
            secret=secret["password"],
            organization=bill.organization,
            developer_key=secret["developer_key"],
            kind=kind_of(secret["user"]),
        )
        quiet = self.meters.quiet_until(bill.organization)
        gate = OrganizationGate(bill.organization, meter, self.meters.slots, quiet)
        http = open_session(verify=verify)
        client = BillClient(
            http,
            Addresses(bill.addresses.api, bill.addresses.events),
            credentials,
            store=StoredSessions(self.secrets, view.connection, secret.version),
            gate=gate,
            fingerprint_key=await self._fingerprint_key(view.connection),
            timeout=self.timeout,
        )
        return Organization(view, http, client, gate, meter, self.read_document, self.document_slow)

    async def _fingerprint_key(self, connection: str) -> bytes | None:
        """What bank details leave behind in what is read: the same fingerprint that webhook-ingest makes."""
        try:
            return await asyncio.to_thread(fingerprint_key, self.secrets, connection, Side.BILL)
        except StoreNotReady as error:
            raise Retry(str(error), code="not_ready") from error
        except (SecretUnreadable, WrongMasterKey) as error:
            cure = "Apply the connection again."
            raise Fatal(str(error), code="credentials_unreadable", cure=cure) from error

    def read_document(self, command: DocumentCommand) -> bytes:
        """A document as the ERP's side left it. Blocking.

        Raises:
            Reject: it is not there any more, or is not what was fetched. Retry: brokers or secrets do not answer.
        """
        cure = "Have it fetched from the ERP again."
        try:
            key = document_key(self.secrets, command.connection, Side.BILL)
            if key is None:
                raise Reject("there is no key for documents", code="document_lost", cure="Apply the connection again.")
            return opened(key, command.connection, read_chunks(self.access, self.names, command.place), command.place)
        except (DocumentLost, SecretUnreadable) as error:
            raise Reject(f"{command.name}: {error}", code="document_lost", cure=cure) from error
        except (StoreNotReady, TimeoutError) as error:
            raise Retry(f"{command.name}: {error}", code="not_ready") from error

    async def _credentials(self, connection: str) -> Secret:
        try:
            secret = await asyncio.to_thread(self.secrets.get, connection, Side.BILL, Purpose.CREDENTIALS)
        except StoreNotReady as error:
            raise Retry(str(error), code="not_ready") from error
        except (SecretUnreadable, WrongMasterKey) as error:
            cure = f"tieout connections secret set {connection} bill"
            raise Fatal(str(error), code="credentials_unreadable", cure=cure) from error
        if secret is None:
            cure = f"tieout connections secret set {connection} bill"
            raise Fatal("there are no credentials for BILL", code="no_credentials", cure=cure)
        return secret


def _trusted(path: str | None) -> ssl.SSLContext:
    """The system's authorities and the connection's own, read anew with every client."""
    try:
        return trust(None if path is None else Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ssl.SSLError) as error:
        reason = f"the authority's file {path} cannot be used: {type(error).__name__}"
        raise Fatal(reason, code="ca_file", cure="Give a PEM file that this service may read.") from error
