"""The part of a service's settings that opens the store of secrets: database and keys."""

from pydantic import BaseModel, ConfigDict, SecretStr

from tieout.connections.key_wrapper import EnvKeyWrapper
from tieout.connections.secrets import SecretStore, engine_for
from tieout.domain.settings import Side


class SecretAccess(BaseModel):
    """Mixed into the settings of a service that needs credentials.

    ``master_key`` gives both sides; a service that is to hold one side only gets ``bill_key`` or ``erp_key`` instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: SecretStr
    master_key: SecretStr = SecretStr("")
    bill_key: SecretStr = SecretStr("")
    erp_key: SecretStr = SecretStr("")

    def key_wrapper(self) -> EnvKeyWrapper:
        """The keys this process holds. Raises WrongMasterKey with the cure."""
        sides = {Side.BILL: self.bill_key.get_secret_value(), Side.ERP: self.erp_key.get_secret_value()}
        return EnvKeyWrapper.from_texts(master=self.master_key.get_secret_value(), sides=sides)

    def secret_store(self) -> SecretStore:
        """The store, not yet verified. Raises WrongMasterKey or StoreNotReady with the cure."""
        return SecretStore(engine_for(self.database_url.get_secret_value()), self.key_wrapper())
