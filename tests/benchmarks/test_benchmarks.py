"""The benchmarks still run: each once, in a size that says nothing about speed."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks import decider, fold, mapper, profiles, report, resources, webhook
from benchmarks.company import Company, mix
from benchmarks.measuring import Goal, Pair
from benchmarks.servers import Servers
from support import forks
from tieout.decide.decide import decide
from tieout.decide.folding import Fold, MemoryView
from tieout.decide.state import Origin
from tieout.events.facts import BillPaymentObserved
from tieout_devstack import postgres
from tieout_fact_mapper.stage import BATCH

MISSED: Final = Goal("b", "s", (Pair(9.0, 2.0), Pair(8.0, 2.0), Pair(2.0, 2.0)), 3.0, "at most")


@pytest.fixture
def on(kafka_bootstrap: str, postgres_server: postgres.Postgres, tmp_path: Path) -> Servers:
    """The servers of the test run."""
    return Servers(tmp_path, kafka_bootstrap, postgres_server)


def test_the_mix_is_what_it_says() -> None:
    """Of ten facts six lead to a command for BILL, three to nothing, and one to a payment in the ERP."""
    company = Company("acme", 3, 4)
    view = MemoryView()
    followed = []
    for offset, fact in enumerate([*company.facts, *mix([company], 20)]):
        decision = decide(view, Origin("acme", fact.id, offset, fact.time), fact.data)
        view.apply(decision.entries)
        intents = [command.frame.intent.value for command in decision.commands]
        followed.append((isinstance(fact.data, BillPaymentObserved), len(decision.entries) > 0, intents))
    mixed = followed[len(company.facts) :]
    assert [paid for paid, _, _ in mixed].count(True) == 2
    assert sorted(intents[0] for _, _, intents in mixed if intents) == sorted(
        ["erp.payment"] * 2 + ["bill.ensure"] * 6 + ["vendor.ensure"] * 6
    )
    assert [written for _, written, _ in mixed].count(False) == 6


def test_the_fold_of_the_journal_runs() -> None:
    """The journal that is folded is a real one, and its fold is the state that the decisions left."""
    (goal,) = fold.measure(fold.Size(rounds=1, facts=50))
    company = Company("acme", 3, 4)
    folded = fold.folded(fold.written([company], []), Fold())
    assert goal.ratio > 0
    assert folded.rows == {"acme": company.rows()}


def test_the_decider_runs(on: Servers) -> None:
    """Every loop takes every fact; the figure that has no goal has no verdict."""
    goals = decider.measure(on, decider.Size(rounds=1, batches=2, batch=20))
    assert [goal.ratio > 0 for goal in goals] == [True, True]
    assert [goal.met is None for goal in goals] == [False, True]


def test_the_webhook_runs(on: Servers) -> None:
    """All three answer: the service with 200 for every notification, or the run would fail."""
    goals = webhook.measure(on, webhook.Size(rounds=1, seconds=0.2, connections=4, bodies=20))
    assert [goal.ratio > 0 for goal in goals] == [True, True]


def test_the_mapper_runs(on: Servers) -> None:
    """Both workers take every message."""
    (goal,) = mapper.measure(on, mapper.Size(rounds=1, mapped=2 * BATCH, bare=2 * BATCH))
    assert goal.ratio > 0


def test_the_needs_of_services_are_measured(on: Servers) -> None:
    """Each of the seven has memory and a time until it was ready; a document went there and its payment came back."""
    found = resources.measure(on, resources.Size(documents=1, idle=0.2), forks.start)
    assert len(found["services"]) == 7
    assert all(one["ready_memory"] > 1 and one["ready_seconds"] > 0 for one in found["services"])


def test_profiles_name_the_parts(on: Servers) -> None:
    """Shares of the whole, and every part has one."""
    deciding, ingest = profiles.measure(on, 50, 0.3).values()
    assert sum(deciding.values()) == pytest.approx(1)
    assert sum(ingest.values()) == pytest.approx(1)
    assert {*profiles.DECIDER, profiles.REST} == set(deciding)
    assert {*profiles.WEBHOOK, profiles.REST} == set(ingest)


def test_a_missed_goal_is_said(tmp_path: Path) -> None:
    """The median decides, in the file and on the page; a page without markers is refused."""
    result: dict[str, Any] = report.as_json([Goal("a", "1/s", (Pair(1.0, 2.0),), 0.4), MISSED], {}, {"b": {"c": 0.5}})
    report.write_json(tmp_path / "deep" / "bench.json", result)
    assert json.loads((tmp_path / "deep" / "bench.json").read_text()) == result
    assert [(one["ratio"], one["met"]) for one in result["ratios"]] == [(0.5, True), (4.0, False)]
    assert not result["met"]
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write_into(page, result)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| b | ≤ 3.00 | 4.00 |" in text
    assert "missed |" in text
    assert "| c | 50% |" in text
    page.write_text("no markers")
    with pytest.raises(ValueError, match="has no lines"):
        report.write_into(page, result)
