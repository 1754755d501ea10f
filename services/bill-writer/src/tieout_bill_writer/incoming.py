"""All that comes from BILL unasked: notices, polls and the subscriptions that send notices, wired together."""

from collections.abc import Collection

from tieout.connections.registry import Registry
from tieout.connections.secrets import SecretStore
from tieout_bill_writer.notices import Notices
from tieout_bill_writer.organizations import Organizations
from tieout_bill_writer.polling import Polling
from tieout_bill_writer.raw import RawLog
from tieout_bill_writer.settings import BillWriterSettings
from tieout_bill_writer.subscriptions import Subscriptions


class Incoming:
    """Made and used in the event loop, ``guard`` apart. It reads what belongs to the partitions it follows."""

    def __init__(
        self, settings: BillWriterSettings, store: SecretStore, registry: Registry, organizations: Organizations
    ) -> None:
        access, names = settings.kafka(), settings.names()
        self._raw = RawLog(access, names)
        self.notices = Notices(registry, organizations, self._raw)
        self._polling = Polling(access, names, registry, organizations, self._raw)
        self._subscriptions = Subscriptions(
            names,
            registry,
            organizations,
            store,
            self._polling.wake,
            every=settings.bill_subscription_look,
        )

    def follow(self, partitions: Collection[int]) -> None:
        """The partitions of budgets owned from now on."""
        self._polling.follow(partitions)
        self._subscriptions.follow(partitions)

    def guard(self) -> None:
        """Raise what ended a part, if something did: the process must end with it. From any thread."""
        self._polling.guard()
        self._subscriptions.guard()

    async def close(self) -> None:
        """Stop reading. What was not stored is read again by the next owner."""
        await self._subscriptions.close()
        await self._polling.close()
        await self.notices.close()
        await self._raw.close()
