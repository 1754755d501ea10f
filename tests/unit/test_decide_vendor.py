"""Vendor links: what a controller sees happen to one vendor."""

from typing import Any

import pytest

from support.deciding import ADDRESS, LINK, World, settings
from tieout.decide.rows import Phase, WindowRow
from tieout.decide.state import Decision
from tieout.domain.erp import Blocked, Vendor
from tieout.domain.records import Address, Kind
from tieout.events.commands import Intent
from tieout.events.facts import (
    Candidate,
    HoldReleased,
    Result,
    RunFact,
    RunPhase,
    SettingsFact,
    SideFact,
    UnreadableFact,
    VendorObserved,
)


def vendor(**changes: Any) -> Vendor:
    """An ERP vendor that can stand in BILL as it is."""
    base = {"id": "v-1", "number": "10000", "name": "Nordlys AS", "currency": "USD", "address": ADDRESS}
    return Vendor.model_validate(base | changes)


def seen(run: int = 1, **changes: Any) -> VendorObserved:
    """A poll run saw the vendor."""
    return VendorObserved(run=run, vendor=vendor(**changes))


def test_a_new_vendor_is_ensured_in_bill_and_linked() -> None:
    """First sight asks for one ensure; its outcome links both records, findable from BILL's side too."""
    world = World()
    world.feed(seen())
    command = world.issued[0].frame
    assert (command.intent, command.target, command.organization) == (Intent.VENDOR_ENSURE, "", "00801ACME")
    assert world.link().phase is Phase.REQUESTED
    world.answer(Result.APPLIED, target="009AAA")
    assert (world.link().phase, world.link().target) == (Phase.LINKED, "009AAA")
    assert world.view.rows["index/vendor/009AAA"] == b'{"link":"vendor/v-1/USD"}'
    assert "want/" + LINK not in world.view.rows


def test_an_unchanged_vendor_costs_neither_an_entry_nor_a_call() -> None:
    """Seeing the same content again decides nothing, whatever the run."""
    world = World()
    world.feed(seen())
    assert world.feed(seen()) == Decision()
    world.answer(Result.APPLIED, target="009AAA")
    assert world.feed(seen(run=2)) == Decision()
    assert len(world.issued) == 1


def test_a_rename_in_flight_waits_with_only_its_latest_content() -> None:
    """Two renames while the ensure is unanswered become one change, asked for after the answer."""
    world = World()
    world.feed(seen())
    world.feed(seen(name="Nordlys Norge AS"))
    world.feed(seen(name="Nordlys Group AS"))
    assert len(world.issued) == 1
    world.answer(Result.APPLIED, command=world.issued[0], target="009AAA")
    change = world.issued[1].frame
    assert (change.intent, change.target) == (Intent.VENDOR_UPDATE, "009AAA")
    assert change.content.name == "Nordlys Group AS"  # type: ignore[attr-defined]


def test_a_name_that_comes_back_is_a_new_command_each_time() -> None:
    """A → B → A → B is four effects: none of them may be taken for a repeat of an earlier one."""
    world = World()
    for name in ("A", "B", "A", "B"):
        world.feed(seen(name=name))
        world.answer(Result.APPLIED, target="009AAA")
    assert len({command.id for command in world.issued}) == 4


def test_an_existing_bill_vendor_with_the_number_is_linked_and_brought_up_to_date() -> None:
    """Found by its number, nothing is created; what differs is changed afterwards."""
    world = World()
    world.feed(seen())
    there = Candidate(id="009OLD", number="10000", name="NORDLYS AS ", content="other")
    world.answer(Result.FOUND, candidates=(there,))
    assert world.link().target == "009OLD"
    assert world.issued[1].frame.intent is Intent.VENDOR_UPDATE


def test_a_vendor_of_another_name_is_never_renamed_for_carrying_our_number() -> None:
    """A number that happens to be the same must not turn somebody else into our payee: a person decides."""
    world = World()
    world.feed(seen())
    there = Candidate(id="009OLD", number="10000", name="Happy Music Supplies", content="other")
    world.answer(Result.FOUND, candidates=(there,))
    assert world.hold().reason == "match.ambiguous"  # type: ignore[union-attr]
    assert len(world.issued) == 1


def test_a_found_vendor_that_is_equal_needs_no_write() -> None:
    """After a cold start the links are found again without one write."""
    world = World()
    world.feed(seen())
    same = world.issued[0].frame.content_hash
    world.answer(Result.FOUND, candidates=(Candidate(id="009OLD", number="10000", content=same),))
    assert world.link().phase is Phase.LINKED
    assert len(world.issued) == 1


def test_a_hand_keyed_vendor_of_the_same_name_is_offered_never_doubled() -> None:
    """A candidate without our number is held for a person, who links it."""
    world = World()
    world.feed(seen())
    world.answer(Result.FOUND, candidates=(Candidate(id="009HAND", name="Nordlys AS", content="x"),))
    held = world.hold()
    assert held is not None
    assert (held.reason, held.candidates[0].id) == ("match.ambiguous", "009HAND")
    world.feed(HoldReleased(link=LINK, reason="match.ambiguous", person="p", role="ap", text="same", choice="009HAND"))
    assert world.link().target == "009HAND"


def test_a_person_may_say_that_a_candidate_is_not_it() -> None:
    """Released with `create`, the next ensure leaves the candidate out and looks again first."""
    world = World()
    world.feed(seen())
    world.answer(Result.FOUND, candidates=(Candidate(id="009HAND", name="Nordlys AS"),))
    world.feed(HoldReleased(link=LINK, reason="match.ambiguous", person="p", role="ap", text="other", choice="create"))
    again = world.issued[-1].frame
    assert (again.attempt, again.exclude) == (2, ("009HAND",))  # type: ignore[attr-defined]


def test_one_bill_vendor_never_belongs_to_two_links() -> None:
    """The second ERP vendor that would take the same BILL vendor is held, with the owner named."""
    world = World()
    world.feed(seen())
    world.answer(Result.APPLIED, target="009AAA")
    world.feed(seen(id="v-2", number="10000"))
    world.answer(Result.FOUND, candidates=(Candidate(id="009AAA", number="10000", name="Nordlys AS"),))
    held = world.hold("vendor/v-2/USD")
    assert held is not None
    assert (held.reason, held.params["owner"]) == ("match.taken", LINK)


def test_an_archived_vendor_is_not_restored_by_itself() -> None:
    """A person archived it in BILL; only a person brings it back."""
    world = World()
    world.feed(seen())
    world.answer(Result.FOUND, candidates=(Candidate(id="009OLD", number="10000", name="Nordlys AS", archived=True),))
    assert world.link().phase is Phase.HELD
    assert world.hold().reason == "match.archived"  # type: ignore[union-attr]


def test_an_incomplete_address_is_held_and_released_by_mending_it() -> None:
    """The hold names what is missing and goes by itself once the ERP has it."""
    world = World()
    world.feed(seen(address=Address(line1="1 Quay", city="", postal_code="", country="NO")))
    assert world.hold().params["missing"] == "city, postal code"  # type: ignore[union-attr]
    assert not world.issued
    world.feed(seen())
    assert world.hold() is None
    assert len(world.issued) == 1


def test_a_linked_vendor_that_becomes_unmappable_stays_linked_but_held() -> None:
    """Losing the address in the ERP neither unlinks nor empties BILL's vendor."""
    world = World()
    world.feed(seen())
    world.answer(Result.APPLIED, target="009AAA")
    world.feed(seen(address=Address()))
    assert (world.link().phase, world.link().target) == (Phase.HELD, "009AAA")
    world.feed(seen())
    assert (world.link().phase, len(world.issued)) == (Phase.LINKED, 1)


def test_a_vendor_unmappable_while_in_flight_is_linked_by_the_answer_and_stays_held() -> None:
    """The answer is not lost, and the hold does not vanish with it."""
    world = World()
    world.feed(seen())
    world.feed(seen(address=Address()))
    world.answer(Result.APPLIED, target="009AAA")
    assert (world.link().phase, world.link().target) == (Phase.HELD, "009AAA")
    assert world.hold() is not None


def test_a_refusal_is_held_in_bills_words_and_a_changed_record_tries_again() -> None:
    """A refused content is never sent again as it is; its next version is."""
    world = World()
    world.feed(seen())
    world.answer(Result.REJECTED, code="BDC_1143", message="Invalid entity data.", cure="Shorten it.")
    assert world.hold().params["code"] == "BDC_1143"  # type: ignore[union-attr]
    assert world.feed(seen()) == Decision()
    world.feed(seen(name="Nordlys Norge AS"))
    assert (len(world.issued), world.hold()) == (2, None)


def test_in_doubt_frees_the_window_but_not_the_link() -> None:
    """Nothing else is sent for the vendor until the doubt is settled, and then it is linked."""
    world = World()
    world.feed(seen())
    world.answer(Result.IN_DOUBT)
    assert WindowRow.model_validate_json(world.view.rows["window/bill"]).unanswered == 0
    world.feed(seen(name="Nordlys Norge AS"))
    assert len(world.issued) == 1
    world.answer(Result.APPLIED, command=world.issued[0], target="009AAA")
    assert world.issued[1].frame.intent is Intent.VENDOR_UPDATE


def test_absent_is_asked_again_as_the_next_attempt() -> None:
    """Looked up twice and not there: a second attempt, under another command id."""
    world = World()
    world.feed(seen())
    world.answer(Result.IN_DOUBT)
    world.answer(Result.ABSENT)
    assert [command.frame.attempt for command in world.issued] == [1, 2]


def test_an_answer_for_another_command_is_ignored() -> None:
    """A late or repeated outcome changes nothing."""
    world = World()
    world.feed(seen())
    world.answer(Result.APPLIED, target="009AAA")
    assert world.answer(Result.APPLIED, command=world.issued[0], target="009BBB") == Decision()


def test_parked_commands_wait_until_the_side_is_healed() -> None:
    """The first parked answer closes the side; healing lets everything go on."""
    world = World()
    world.feed(seen())
    world.feed(seen(id="v-2", number="20000"))
    world.answer(Result.PARKED, command=world.issued[0], message="sign-in refused")
    world.answer(Result.PARKED, command=world.issued[1], message="sign-in refused")
    world.feed(seen(id="v-3", number="30000"))
    assert len(world.issued) == 2
    world.feed(SideFact(side="bill", healed=True))
    assert len(world.issued) == 5
    assert [command.frame.attempt for command in world.issued[2:]] == [2, 2, 1]


def test_nothing_is_asked_of_a_paused_connection() -> None:
    """What is seen while paused goes out when the connection is active again."""
    world = World(active=False)
    world.feed(SettingsFact(generation=1, settings=settings(state="paused")))
    world.feed(seen())
    assert not world.issued
    world.feed(SettingsFact(generation=2, settings=settings()))
    assert len(world.issued) == 1


def test_a_row_of_a_superseded_poll_run_is_dropped() -> None:
    """A poller that was paused and superseded cannot bring an old name back."""
    world = World()
    world.feed(RunFact(kind=Kind.VENDOR, number=2, phase=RunPhase.BEGUN))
    assert world.feed(seen(run=1, name="Old name")) == Decision()


def test_a_blocked_vendor_is_not_introduced_to_bill() -> None:
    """An ERP vendor blocked for everything is not created; unblocking creates it."""
    world = World()
    world.feed(seen(blocked=Blocked.ALL))
    assert (world.link().phase, len(world.issued)) == (Phase.IGNORED, 0)
    world.feed(seen())
    assert len(world.issued) == 1


def test_an_unreadable_row_is_a_hold_with_its_source_until_it_can_be_read() -> None:
    """The platform team sees where the raw bytes stand."""
    world = World()
    world.feed(
        UnreadableFact(
            side="erp", kind="vendor", key="v-1", topic="x.erp.changes", partition=1, offset=7, reason="number: missing"
        )
    )
    assert world.hold("unreadable/vendor/v-1").params["place"] == "x.erp.changes/1/7"  # type: ignore[union-attr]
    world.feed(seen())
    assert world.hold("unreadable/vendor/v-1") is None


@pytest.mark.parametrize(
    ("name", "length"), [("ÅÆØ " * 40, 100), ("ß" * 100, 100), ("شركة النور", 10)], ids=["long", "edge", "rtl"]
)
def test_a_long_name_is_visibly_shortened_and_stays_unique(name: str, length: int) -> None:
    """Names over BILL's 100 characters end in a mark of their own; shorter ones are kept as they are."""
    world = World()
    world.feed(seen(name=name))
    sent = world.issued[0].frame.content.name  # type: ignore[attr-defined]
    assert len(sent) <= 100
    assert len(sent) == min(len(name.strip()), length)
    assert world.link().original == ("" if len(name.strip()) <= 100 else name)
