"""Which ERP a connection's orders go to: opened once, anew after a change, closed by the last who uses it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tieout.connections.registry import ConnectionView
from tieout.connections.secrets import SecretUnreadable, StoreNotReady
from tieout.domain.errors import Fatal, Retry
from tieout.domain.settings import ConnectionSettings, Side
from tieout.effects.port import UnknownEffect
from tieout_connectors import opening
from tieout_payment_writeback.companies import Companies


def view(name: str = "acme", state: str = "active", version: int = 1, company: str = "C") -> ConnectionView:
    """A connection as applied."""
    settings = ConnectionSettings.model_validate(
        {
            "connection": name,
            "state": state,
            "erp": {"kind": "business-central", "tenant": "t", "company": company},
            "bill": {"environment": "sandbox", "organization": "00801ABC"},
            "cutover": {"date": "2026-01-01"},
        }
    )
    return ConnectionView(name, 1, settings, {Side.ERP: version})


class Opened:
    """A writer or a probe that remembers how it was opened."""

    def __init__(self, settings: Any, credentials: Any) -> None:
        self.company = settings.company
        self.credentials = dict(credentials)
        self.closed = False

    async def close(self) -> None:
        """Given back."""
        self.closed = True

    async def context(self) -> None:
        """As the credentials are."""
        if self.credentials.get("client_secret") == "wrong":
            raise Fatal("wrong")


class World:
    """A registry and a store that a test fills."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.views: dict[str, ConnectionView] = {"acme": view()}
        self.secret: Any = {"client_secret": "right"}
        self.made: list[Any] = []
        registry: Any = SimpleNamespace(get=self.views.get)
        store: Any = SimpleNamespace(get=self._get)
        for factories in (opening.READERS, opening.WRITERS):
            monkeypatch.setitem(factories, "business-central", self._make)
        self.companies = Companies(registry, store)

    def _get(self, _connection: str, side: Side, _purpose: Any) -> Any:
        assert side is Side.ERP
        if isinstance(self.secret, Exception):
            raise self.secret
        return None if self.secret is None else SimpleNamespace(reveal=lambda: self.secret)

    def _make(self, settings: Any, credentials: Any) -> Any:
        self.made.append(Opened(settings, credentials))
        return self.made[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """One connection with credentials."""
    return World(monkeypatch)


async def test_an_erp_is_opened_once_for_all_who_use_it(world: World) -> None:
    """Two at the same time share one sign-in."""
    async with world.companies.writer("acme") as one, world.companies.writer("acme") as two:
        assert one is two
    async with world.companies.writer("acme") as three:
        assert three is one
    assert len(world.made) == 1
    await world.companies.close()
    assert world.made[0].closed


async def test_rotated_credentials_and_changed_settings_open_it_anew(world: World) -> None:
    """Whoever is in the middle of a call keeps the old one, which is closed after them."""
    async with world.companies.writer("acme"):
        world.views["acme"] = view(version=2)
        world.secret = {"client_secret": "newer"}
        async with world.companies.writer("acme") as after:
            assert after is world.made[1]
        assert world.made[1].credentials == {"client_secret": "newer"}
        assert not world.made[0].closed
    await asyncio.sleep(0)
    assert [one.closed for one in world.made] == [True, False]
    world.views["acme"] = view(version=2, company="D")
    async with world.companies.writer("acme") as moved:
        assert moved is world.made[2]
    assert world.made[2].company == "D"
    await world.companies.close()


async def test_a_side_that_is_healed_is_opened_anew(world: World) -> None:
    """Its token may have been given under other rights."""
    async with world.companies.writer("acme"):
        pass
    told: list[tuple[str, str]] = []
    world.companies.fell_ill = lambda connection, key: told.append((connection, key))
    world.companies.sicken("acme", "acme", "no right")
    assert (told, world.companies.is_sick("acme")) == ([("acme", "acme")], True)
    world.companies.heal("acme")
    assert not world.companies.is_sick("acme")
    async with world.companies.writer("acme"):
        assert len(world.made) == 2
    await world.companies.close()


@pytest.mark.parametrize(
    ("secret", "kind", "code"),
    [
        (None, Fatal, "no_credentials"),
        (SecretUnreadable("the row was changed"), Fatal, "credentials_unreadable"),
        (StoreNotReady("no database"), Retry, "not_ready"),
    ],
)
async def test_what_is_missing_is_told_with_its_cure(
    world: World, secret: object, kind: type[Fatal | Retry], code: str
) -> None:
    """No credentials and a changed row stop the connection, a database that is away does not."""
    world.secret = secret
    with pytest.raises(kind) as told:
        async with world.companies.writer("acme"):
            pass
    assert told.value.code == code
    assert kind is Retry or "secret set acme erp" in told.value.cure
    assert world.made == []


async def test_credentials_a_connector_cannot_use_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real connector refuses them by the field's name; the value stays hidden."""
    real = opening.WRITERS["business-central"]
    world = World(monkeypatch)
    monkeypatch.setitem(opening.WRITERS, "business-central", real)
    world.secret = {"client_id": "app", "client_secret": "", "hunter": "hunter2"}
    with pytest.raises(Fatal) as told:
        async with world.companies.writer("acme"):
            pass
    assert told.value.code == "settings"
    assert "hunter2" not in f"{told.value} {told.value.cure}"


async def test_the_real_connector_is_loaded_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Business Central's writer opens from a connection's settings, without a call."""
    real = opening.WRITERS["business-central"]
    world = World(monkeypatch)
    monkeypatch.setitem(opening.WRITERS, "business-central", real)
    world.secret = {"client_id": "app", "client_secret": "x"}
    async with world.companies.writer("acme") as writer:
        assert type(writer).__name__ == "BusinessCentralWriter"
    await world.companies.close()


async def test_a_probe_says_whether_the_erp_lets_it_in(world: World) -> None:
    """With the settings and credentials of now, and closed again."""
    await world.companies.answers("acme")
    world.secret = {"client_secret": "wrong"}
    with pytest.raises(Fatal):
        await world.companies.answers("acme")
    assert [one.closed for one in world.made] == [True, True]


async def test_only_orders_belong_here(world: World) -> None:
    """Another writer's command is known to nobody; a connection that is not there is over and not written to."""
    with pytest.raises(UnknownEffect):
        await world.companies.effect(SimpleNamespace(intent="vendor.ensure"))  # type: ignore[arg-type]
    assert (world.companies.is_over("acme"), world.companies.may_write("acme")) == (False, True)
    world.views["acme"] = view(state="paused")
    assert (world.companies.is_over("acme"), world.companies.may_write("acme")) == (False, False)
    world.views["acme"] = view(state="retired")
    assert world.companies.is_over("acme")
    assert world.companies.is_over("nobody")
    with pytest.raises(Fatal):
        async with world.companies.writer("nobody"):
            pass


async def test_what_was_given_away_is_closed(world: World) -> None:
    """A partition went to another process: its ERPs are signed in there."""
    world.views["other"] = view("other")
    for name in ("acme", "other"):
        async with world.companies.writer(name):
            pass
    world.companies.detach(frozenset({"other"}))
    await asyncio.sleep(0)
    assert [one.closed for one in world.made] == [True, False]
    assert world.companies.open == ("other",)
    await world.companies.close()
