"""Replay of what was learned, where a taught service comes first."""

from orchestration_assets.disagreement.replay import RecordedBatch, ReplayPolicy, replay
from orchestration_assets.policy.tasks import build_tasks
from orchestration_assets.processing.answer_cache import answer_key
from orchestration_assets.schemas.enums import ProfileStatus, Status
from orchestration_assets.schemas.items import Item, Question, Reading
from orchestration_assets.schemas.policy import Policy
from orchestration_assets.schemas.tables import ItemProfile
from orchestration_assets.selection.active_selector import ActiveSelector, ChosenPoint
from orchestration_assets.selection.forecast import Price
from orchestration_assets.selection.learned_model import LearnedModel
from orchestration_assets.services.identity import service_identity
from orchestration_assets.services.pool import build_services
from tests.processing.services import Scripted, ok
from tests.processing.test_taught_voices import pupil
from tests.selection.test_active_selector import trained_selector

WORDS = {"implementation": "word_labels", "parameters": {"labels": {"a": ["x"], "b": ["y"]}}}
POLICY = Policy.model_validate(
    {
        "version": 2,
        "services": {
            "s0": WORDS,
            "s1": WORDS,
            "pupil": {"type": "taught", "by": "s1", "task": "t", "audit_share": 0.001},
        },
        "tasks": {
            "t": {
                "question": "Which?",
                "labels": ["a", "b"],
                "default": {"model": "parallel", "services": ["s0", "s1"]},
                "learned": {"services": ["s0", "s1"], "taught": ["pupil"], "explore": 0.0},
            }
        },
    }
)


def test_what_a_taught_service_answers_the_learned_model_is_not_asked() -> None:
    task = build_tasks(POLICY)["t"]
    services = build_services(POLICY.services)
    knowing = pupil("pupil", Scripted("s1", ok("a", 0.9)), "a").state
    services["pupil"] = services["pupil"].knowing(knowing)
    selector = trained_selector()
    model = ActiveSelector("v", LearnedModel(selector))
    known = {"t": ChosenPoint(model, 0, selector.usd, selector.ms)}
    profiles = [
        ItemProfile(f"i{n}", f"hash {n}", f"{n}.txt", ProfileStatus.OK, {}) for n in range(2)
    ]
    given = {"i0": Reading(Status.OK, "b", 0.99), "i1": Reading(Status.ABSTAINED, reason="unsure")}
    identity = service_identity(services["pupil"], task)
    learned = {
        answer_key(
            Question(task, Item(one.item_id, one.content_hash, one.path, "", {})), services[name]
        ): Reading(Status.OK, "a", 0.9)
        for one in profiles
        for name in ("s0", "s1")
    }
    log = RecordedBatch(
        "b",
        profiles,
        learned,
        {("i0", "t"): "b", ("i1", "t"): "a"},
        {("i0", "t"): ["pupil"], ("i1", "t"): ["pupil", "s1"]},
        {(item, "t", "pupil", identity): reading for item, reading in given.items()},
    )
    prices = {name: Price(1.0, one.cost_usd) for name, one in services.items()}
    first, second = replay(log, ReplayPolicy(POLICY, "p", services, prices, known))
    assert first.other is not None and second.other is not None
    assert (first.other.answer, first.other.calls) == ("b", 1)
    assert (second.other.answer, second.other.calls) == ("a", 2)
