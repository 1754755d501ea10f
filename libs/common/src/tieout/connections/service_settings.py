"""The part of a service's settings that opens the store of secrets: database and keys."""

from pydantic import BaseModel, ConfigDict, SecretStr

from tieout.connections.key_wrapper import EnvKeyWrapper, WrongMasterKey
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

    def key_wrapper(self, *needed: Side) -> EnvKeyWrapper:
        """The keys this process holds, those ``needed`` at least. Raises WrongMasterKey with the cure."""
        sides = {Side.BILL: self.bill_key.get_secret_value(), Side.ERP: self.erp_key.get_secret_value()}
        wrapper = EnvKeyWrapper.from_texts(master=self.master_key.get_secret_value(), sides=sides)
        missing = [f"TIEOUT_{side.upper()}_KEY" for side in needed if side not in wrapper.sides()]
        if missing:
            raise WrongMasterKey(
                f"this service cannot do without {' and '.join(missing)}: "
                "set it, or TIEOUT_MASTER_KEY, which gives both sides' keys"
            )
        return wrapper

    def secret_store(self, *needed: Side) -> SecretStore:
        """The store for the sides needed, not yet verified. Raises WrongMasterKey or StoreNotReady with the cure."""
        wrapper = self.key_wrapper(*needed)
        return SecretStore(engine_for(self.database_url.get_secret_value()), wrapper)
