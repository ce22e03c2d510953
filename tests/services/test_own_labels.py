"""Labels of one's own: by words, and by examples."""

import pytest
from pydantic import ValidationError

from orchestration_assets.schemas.enums import Status
from orchestration_assets.services.registry import load_embedded
from tests.services.questions import PARAMETERS, question


def say(service: str, text: str, parameters=None):
    loaded = load_embedded(service, parameters or PARAMETERS[service])
    return loaded.answer(question("topic", text))


@pytest.mark.parametrize("service", list(PARAMETERS))
@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("The backup of the archive failed; the archive holds old records.", "storage"),
        ("We took the train and slept in a hotel near the station.", "travel"),
    ],
)
def test_the_label_whose_words_or_examples_are_nearest_wins(service, text, label) -> None:
    reading = say(service, text)
    assert reading.answer == label
    assert reading.confidence and reading.confidence > 0.4
    assert reading.evidence


@pytest.mark.parametrize("service", list(PARAMETERS))
def test_a_text_about_neither_is_left_open(service) -> None:
    assert say(service, "Zebras graze quietly.").status is Status.ABSTAINED


def test_a_phrase_is_matched_whole_and_in_any_case() -> None:
    labels = {"labels": {"storage": ["Cat"], "travel": ["amount due"]}}
    assert say("word_labels", "concatenate", labels).status is Status.ABSTAINED
    assert say("word_labels", "The AMOUNT DUE is 5.", labels).answer == "travel"


def test_two_labels_that_weigh_the_same_are_left_open() -> None:
    assert say("word_labels", "archive train").status is Status.ABSTAINED


@pytest.mark.parametrize(
    ("service", "parameters"),
    [
        ("word_labels", {}),
        ("word_labels", {"labels": {"only": ["one"]}}),
        ("word_labels", {"labels": {"a": [], "b": ["x"]}}),
        ("example_labels", {"examples": {"a": ["x"], "b": ["y"]}, "wish": 1}),
        ("grammar", {"wish": 1}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(service, parameters) -> None:
    with pytest.raises(ValidationError):
        load_embedded(service, parameters)


def test_other_parameters_are_another_fingerprint() -> None:
    one = load_embedded("word_labels", {"labels": {"a": ["x"], "b": ["y"]}})
    other = load_embedded("word_labels", {"labels": {"a": ["x"], "b": ["z"]}})
    assert one.fingerprint != other.fingerprint
    assert load_embedded("grammar").fingerprint == load_embedded("grammar").fingerprint
