"""What a taught model learns, what it may promise, and what its audits show."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.schemas.services import TaughtConfig
from orchestration_assets.services.taught.audit import audit, place_of
from orchestration_assets.services.taught.certification import certify, exact_bound
from orchestration_assets.services.taught.lessons import TeacherAnswer, same_answer
from orchestration_assets.services.taught.model import learn_answers, pack_answers, unpack_answers
from orchestration_assets.services.taught.ridge import fit_ridge
from orchestration_assets.services.taught.taught_service import (
    AUDIT,
    LESSON,
    TaughtService,
    TaughtState,
    audited_answer,
    is_audited,
)
from orchestration_assets.services.taught.teaching import (
    pack_taught,
    suspend,
    teach,
    unpack_taught,
)
from orchestration_assets.services.taught.text_features import hashed_terms
from tests.processing.services import Scripted

VOCABULARY = {
    "storage": ["archive", "backup", "disk", "record", "vault", "shelf"],
    "travel": ["train", "hotel", "flight", "ticket", "luggage", "border"],
}
KINDS = {
    AnswerKind.LABEL: {"storage": "storage", "travel": "travel"},
    AnswerKind.SET: {"storage": ("keep", "paper"), "travel": ("go",)},
    AnswerKind.SCORE: {"storage": 0.2, "travel": 0.8},
}


def lessons(count: int, kind: AnswerKind = AnswerKind.LABEL, seed: int = 0, noise: float = 0.0):
    random = np.random.default_rng(seed)
    found = []
    for n in range(count):
        topic = "storage" if random.random() < 0.5 else "travel"
        text = " ".join(random.choice(VOCABULARY[topic], 8)) + f" {n} {seed}"
        said = topic
        if random.random() < noise:
            said = "travel" if topic == "storage" else "storage"
        found.append(TeacherAnswer(f"{seed}-{n}", text, KINDS[kind][said]))
    return found


def task(kind: AnswerKind = AnswerKind.LABEL) -> Task:
    return Task("topic", "1", kind)


def config(**more) -> TaughtConfig:
    return TaughtConfig(type="taught", by="dear", task="topic", **more)


def service(taught=None, **more) -> TaughtService:
    state = TaughtState(taught, "v1") if taught else None
    return TaughtService("pupil", config(**more), Scripted("dear", ValueError()), state)


def question(lesson: TeacherAnswer, kind: AnswerKind = AnswerKind.LABEL) -> Question:
    return Question(task(kind), Item("item", lesson.content_hash, "p", lesson.text))


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_kind_is_learned_and_answered_as_its_teacher_would(kind) -> None:
    taught = teach(lessons(500, kind), task(kind), config(at_most=0.03), "dear 1")
    assert taught.certificate.coverage > 0.5
    new = lessons(100, kind, seed=1)
    answered = [
        (lesson, taught.guess(lesson.text))
        for lesson in new
        if taught.answers(taught.guess(lesson.text))
    ]
    assert len(answered) > 40
    same = [same_answer(kind, guess.answer, lesson.answer, 0.05) for lesson, guess in answered]
    assert same.count(False) <= 3


def test_what_words_do_not_tell_is_refused_in_words() -> None:
    taught = teach(lessons(300, noise=0.5), task(), config(), "dear 1")
    assert taught.threshold is None
    reading = service(taught).answer(question(lessons(1, seed=3)[0]))
    assert reading.status is Status.ABSTAINED
    assert "refused: by 300 answers of dear" in (reading.reason or "")
    assert (reading.reason or "").startswith(LESSON)


def test_errors_that_no_word_tells_are_refused_although_most_is_known() -> None:
    taught = teach(lessons(400, noise=0.12), task(), config(), "dear 1")
    assert taught.threshold is None


def test_a_text_cannot_be_taught() -> None:
    with pytest.raises(ValueError, match="text cannot be taught"):
        learn_answers(lessons(60), AnswerKind.TEXT)


def test_held_out_outputs_are_those_of_a_model_without_the_item() -> None:
    own = lessons(30)
    terms = hashed_terms([lesson.text for lesson in own])
    targets = np.array([[1.0 if lesson.answer == "storage" else -1.0] for lesson in own])
    whole = fit_ridge(terms, targets)
    weights = whole.model.weights
    without = fit_ridge(terms[1:], targets[1:], [weights])
    # the penalty may be another: compare at the same one
    rows = weights.weigh(terms)
    kernel = np.asarray((rows @ rows.T).todense()) / 2 + 1.0
    outputs = {
        penalty: float(
            kernel[0, 1:] @ np.linalg.solve(kernel[1:, 1:] + penalty * np.eye(29), targets[1:, 0])
        )
        for penalty in (0.03, 0.1, 0.3)
    }
    assert min(abs(whole.held_out[0, 0] - one) for one in outputs.values()) < 1e-9
    assert without.model.coefficients.shape[1] == 1


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_stored_comes_back_and_answers_alike(kind) -> None:
    taught = teach(lessons(120, kind), task(kind), config(), "dear 1")
    arrays, facts = pack_taught(taught)
    back = unpack_taught({k: np.asarray(v) for k, v in arrays.items()}, facts)
    assert back.certificate == taught.certificate
    for lesson in lessons(20, kind, seed=2):
        first, second = taught.guess(lesson.text), back.guess(lesson.text)
        assert first.sureness == pytest.approx(second.sureness, abs=1e-4)
        assert same_answer(kind, first.answer, second.answer, 1e-4)
    model_arrays, model_facts = pack_answers(taught.model)
    with pytest.raises(ValueError, match="do not fit"):
        unpack_answers({**model_arrays, "places": np.arange(3)}, model_facts)


def test_teaching_twice_is_the_same_to_the_byte() -> None:
    first, second = (pack_taught(teach(lessons(90), task(), config(), "d")) for _ in range(2))
    assert first[1] == second[1]
    assert all(np.array_equal(first[0][name], second[0][name]) for name in first[0])


@pytest.mark.parametrize("size", [100, 300, 735, 736, 1000])
def test_the_exact_bound_is_what_arithmetic_allows(size) -> None:
    assert exact_bound(0, size) == pytest.approx(1 - 0.025 ** (1 / size))
    assert (exact_bound(0, size) <= 0.005) == (size >= 736)


def test_an_exact_guarantee_takes_enough_answers() -> None:
    random = np.random.default_rng(0)
    few = certify(random.random(300) + 1, np.ones(300, bool), 0.005, "exact")
    many = certify(random.random(1000) + 1, np.ones(1000, bool), 0.005, "exact")
    assert few.threshold is None
    assert many.threshold is not None
    assert many.exact_bound <= 0.005


@settings(max_examples=25, deadline=None)
@given(
    st.integers(60, 300),
    st.floats(0.5, 8.0),
    st.floats(0.0, 0.2),
    st.integers(0, 2**32 - 1),
)
def test_a_certificate_answers_the_surest_and_promises_no_more_than_allowed(
    size, slope, lapse, seed
) -> None:
    random = np.random.default_rng(seed)
    sureness = random.random(size) * 2
    wrong = random.random(size) < lapse + (1 - lapse) / (1 + np.exp(slope * sureness))
    strict, lax = (certify(sureness, ~wrong, promise) for promise in (0.005, 0.05))
    assert strict.coverage <= lax.coverage
    for certificate, promise in ((strict, 0.005), (lax, 0.05)):
        if certificate.threshold is not None:
            answered = sureness >= certificate.threshold
            assert answered.mean() == pytest.approx(certificate.coverage)
            assert certificate.loss <= certificate.loss_bound <= promise
            assert certificate.differing == (answered & wrong).sum()


def test_the_promise_holds_in_nearly_all_repetitions() -> None:
    broken = answered = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        sureness = random.random(20_300) * 2
        wrong = random.random(20_300) < 0.02 + 0.98 / (1 + np.exp(4 * sureness))
        certificate = certify(sureness[:300], ~wrong[:300], 0.02)
        if certificate.threshold is not None:
            answered += 1
            loss = ((sureness >= certificate.threshold) & wrong)[300:].mean()
            broken += loss > 0.02
    assert answered > 30
    assert broken <= 3


def test_audits_suspend_what_drifts_and_seldom_what_keeps_its_promise() -> None:
    random = np.random.default_rng(0)
    fine = [audit(random.random(1000) < 0.01, 0.01).suspended for _ in range(100)]
    assert sum(fine) <= 5
    drifted = [audit(random.random(1000) < 0.1, 0.01).suspended_after for _ in range(50)]
    assert all(one is not None and one < 200 for one in drifted)
    late = audit([*(random.random(500) < 0.005), *(random.random(300) < 0.2)], 0.01)
    assert late.suspended_after is not None
    assert 500 < late.suspended_after < 600


@given(st.text(max_size=20), st.floats(0.0, 1.0))
def test_who_is_audited_depends_on_the_content_alone(content, share) -> None:
    assert is_audited("pupil", content, share) == is_audited("pupil", content, share)
    assert 0.0 <= place_of("pupil audits", content) < 1.0


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_audited_item_is_passed_on_with_the_own_answer_kept(kind) -> None:
    taught = teach(lessons(200, kind), task(kind), config(), "dear 1")
    every = service(taught, audit_share=1.0)
    sure = next(x for x in lessons(50, kind, seed=4) if taught.answers(taught.guess(x.text)))
    reading = every.answer(question(sure, kind))
    assert (reading.status, reading.reason) == (Status.ABSTAINED, AUDIT)
    kept = audited_answer(reading.alternatives, kind)
    assert same_answer(kind, kept, sure.answer, 0.05)


def test_a_reading_says_who_taught_it_and_on_how_many_answers() -> None:
    taught = teach(lessons(200), task(), config(), "dear 1")
    own = service(taught, audit_share=0.001)
    sure = next(x for x in lessons(50, seed=4) if taught.answers(taught.guess(x.text)))
    reading = own.answer(question(sure))
    assert reading.status is Status.OK
    assert reading.evidence is not None
    assert reading.evidence.startswith("taught by dear: 200 of its answers; ")
    assert own.cost_usd == 0.0


def test_before_it_was_taught_every_item_is_a_lesson() -> None:
    reading = service().answer(question(lessons(1)[0]))
    assert reading.status is Status.ABSTAINED
    assert (reading.reason or "").startswith(LESSON)


def test_a_suspended_service_says_what_its_audits_showed() -> None:
    taught = teach(lessons(200), task(), config(), "dear 1")
    result = audit([True] * 10, taught.allowed)
    suspended = suspend(taught, result, config(), "b1")
    reading = service(suspended).answer(question(lessons(1)[0]))
    assert reading.status is Status.ABSTAINED
    assert "suspended: it differs from dear in 10 of 10 audited answers" in (reading.reason or "")


def test_its_identity_follows_the_teacher_and_the_promise_and_not_what_it_has_learned() -> None:
    taught = teach(lessons(120), task(), config(), "dear 1")
    assert service().fingerprint == service(taught).fingerprint
    assert service().fingerprint != service(at_most=0.01).fingerprint
    other = TaughtService("pupil", config(), Scripted("dear", ValueError(), version="2"))
    assert service().fingerprint != other.fingerprint
