"""Panels that do not pay by judged items are refused, and what is done instead says why."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.batch import build_choices
from orchestration_assets.schemas.enums import AnswerKind, ProcessingModel, ProfileStatus, Status
from orchestration_assets.schemas.outcomes import OUTCOMES, OutcomeRow, OutcomeSource
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.records import rows_to_arrow
from orchestration_assets.schemas.tables import (
    INTERPRETATIONS,
    PROCESSING_PLANS,
    InterpretationRow,
    ItemProfile,
    PlanRow,
)
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.panel_outcomes import learn_panels, refused_panels
from orchestration_assets.selection.panel_worth import (
    STILL_ASKED,
    PanelFigures,
    PanelOutcomes,
    Refusal,
    panel_figures,
    refusal,
)
from orchestration_assets.selection.plan import plan_items
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.pool import build_services
from resources.home import Home
from tests.rows import row

MEMBERS = ("lawyer", "auditor", "layman")
USD = {"lawyer": 0.02, "auditor": 0.01, "layman": 0.01}
N = 100


def shares(*right: float) -> np.ndarray:
    """A column for each share: so many of N items are right, each column's own."""
    order = [np.random.default_rng(seed).permutation(N) for seed in range(len(right))]
    return np.column_stack(
        [(one < share * N).astype(float) for one, share in zip(order, right, strict=True)]
    )


def figures(alone: tuple[float, ...], vote: float, panel: float, n: int = N) -> PanelFigures | None:
    vote_and_panel = shares(*alone, vote, panel)[:n]
    first = shares(*alone)[:n]
    later = np.array([0.4, 0.4, 0.4])
    return panel_figures(
        PanelOutcomes(
            MEMBERS, first, vote_and_panel[:, -2], vote_and_panel[:, -1], np.ones(n), later
        )
    )


@pytest.mark.parametrize(
    ("alone", "vote", "panel", "worth", "instead"),
    [
        # one knows: what the others say costs money and answers
        ((0.9, 0.6, 0.6), 0.8, 0.82, None, "lawyer"),
        # nothing to check: the later rounds lose what the first answers had
        ((0.7, 0.7, 0.69), 0.85, 0.75, None, None),
        # a loss that chance alone may have made
        ((0.7, 0.7, 0.69), 0.85, 0.82, None, "pays"),
        # it gains over both
        ((0.7, 0.7, 0.69), 0.8, 0.9, None, "pays"),
        # but not as much as it costs: .2 of 10 cents for 3.6 cents more than the best one
        ((0.7, 0.7, 0.69), 0.8, 0.9, 0.1, "lawyer"),
        ((0.7, 0.7, 0.69), 0.8, 0.9, 1.0, "pays"),
        # more than the first answers, and less than it costs over the best one
        ((0.88, 0.7, 0.69), 0.6, 0.9, 0.5, "lawyer"),
    ],
)
def test_a_panel_is_refused_where_what_it_gains_is_worth_less_than_it_costs(
    alone, vote, panel, worth, instead
) -> None:
    known = figures(alone, vote, panel)
    assert known is not None
    why = refusal(PanelFigures.of_facts(known.facts()), USD, worth)
    if instead == "pays":
        assert why is None
    else:
        assert why is not None
        assert why.member == instead
        assert "does not pay: right in" in why.reason
        assert f"{N} judged items" in why.reason


def test_the_policys_word_stands_until_enough_is_known() -> None:
    assert figures((0.9, 0.6, 0.6), 0.8, 0.7, n=29) is None
    assert figures((0.9, 0.6, 0.6), 0.8, 0.7, n=30) is not None


@given(panel=st.floats(0.0, 1.0), worth=st.floats(0.001, 1e4), more=st.floats(1.0, 100.0))
def test_what_is_worth_more_or_costs_less_is_never_refused_first(panel, worth, more) -> None:
    known = figures((0.7, 0.6, 0.5), 0.75, panel)
    assert known is not None
    if refusal(known, USD, worth) is None:
        cheaper = {name: usd / more for name, usd in USD.items()}
        assert refusal(known, USD, worth * more) is None
        assert refusal(known, cheaper, worth) is None


def policy(**panel) -> Policy:
    return Policy.model_validate(
        {
            "version": 2,
            "services": {
                name: {
                    "type": "openai_chat",
                    "base_url": "http://127.0.0.1:1/v1",
                    "model": name,
                    "prompt": {"user": "{{ task.question }} {{ content }} {{ earlier }}"},
                }
                for name in MEMBERS
            },
            "tasks": {
                "risk": {
                    "question": "How risky?",
                    "labels": ["low", "high"],
                    "default": {"model": "iterative", "services": MEMBERS, "panel": panel},
                }
            },
        }
    )


PRICES = {name: Price(100.0, usd) for name, usd in USD.items()}
PROFILES = [
    ItemProfile(f"i{n}", f"h{n}", f"{n}.txt", ProfileStatus.OK, {"word_count": n})
    for n in range(400)
]


@pytest.mark.parametrize("member", [None, "auditor"])
def test_a_plan_says_why_the_panel_is_refused_and_still_asks_it_now_and_then(member) -> None:
    refused = {("risk", "default"): Refusal(member, "the panel does not pay: for reasons")}
    given = policy()
    plans = list(plan_items("b", PROFILES, given, "h", PRICES, refused=refused))
    instead = "default: first answers" if member is None else "default: auditor alone"
    asked = [plan for plan in plans if plan.option == "default"]
    assert {plan.option for plan in plans} == {"default", instead}
    assert 0 < len(asked) < 3 * STILL_ASKED * len(plans)
    assert all("still asked" in plan.reason for plan in asked)
    plan = next(plan for plan in plans if plan.option == instead)
    assert plan.reason.endswith("the panel does not pay: for reasons")
    (panel,) = plan.rejected
    assert (panel.option, panel.calls_max) == ("default", 9)
    assert panel.reason == "the panel does not pay: for reasons"
    assert plan.calls_max == (3 if member is None else 1)
    choice = build_choices(given)["risk", instead]
    assert choice.services == plan.services == (MEMBERS if member is None else ("auditor",))
    assert choice.panel is None
    # without a refusal nothing of this is seen
    plain = list(plan_items("b", PROFILES, given, "h", PRICES))
    assert {(plan.option, plan.rejected) for plan in plain} == {("default", ())}


def test_a_home_learns_of_its_panels_from_what_people_judged(tmp_path: Path) -> None:
    home, given = Home(tmp_path), policy()
    services = build_services(given.services)
    task = build_tasks(given)["risk"]
    # the lawyer knows; the others say low, and talk it into that on every other item
    outcomes, readings, plans = [], [], []
    for n in range(60):
        place = {"batch": "b", "item_id": f"i{n:02}", "task": "risk"}
        content = {"content_hash": f"h{n:02}"}
        plans.append(row(PlanRow, **place, **content, option="default"))
        for name in MEMBERS:
            said = "high" if name == "lawyer" else "low"
            outcomes.append(
                row(
                    OutcomeRow,
                    **place,
                    **content,
                    kind=AnswerKind.LABEL,
                    service=name,
                    service_version=service_identity(services[name], task),
                    status=Status.OK,
                    answer=said,
                    confidence=0.9,
                    score=float(said == "high"),
                    why=OutcomeSource.VERDICT,
                    weight=1.0,
                    stood=float(n % 2),
                )
            )
            for number in (0, 1):
                readings.append(
                    row(
                        InterpretationRow,
                        **place,
                        **content,
                        service=name,
                        step=number,
                        round=number,
                        voice=number == 0,
                        answer=said,
                        status=Status.OK,
                    )
                )
    table = INTERPRETATIONS[ProcessingModel.ITERATIVE]
    home.tables.write(OUTCOMES, rows_to_arrow(OUTCOMES, outcomes))
    home.tables.write(PROCESSING_PLANS, rows_to_arrow(PROCESSING_PLANS, plans), "b")
    home.tables.write(table, rows_to_arrow(table, readings), "b")
    assert not refused_panels(given, services, home.models, PRICES)
    (said,) = learn_panels(given, services, home.tables, home.models).values()
    assert "60 judged items" in said
    (why,) = refused_panels(given, services, home.models, PRICES).values()
    assert why.member == "lawyer"
    assert "right in 50.0% of 60 judged items, lawyer alone in 100.0%" in why.reason
    # every member is asked once more on every item, and the two others at first
    assert "$0.060000 more an item" in why.reason
    # it is the policy's to say that it is asked in any case, and what was known of others is not
    # known of a service that is another now
    assert not refused_panels(policy(refuse=False), services, home.models, PRICES)
    other = policy()
    other.services["lawyer"] = other.services["lawyer"].model_copy(update={"model": "newer"})
    assert not refused_panels(other, build_services(other.services), home.models, PRICES)
