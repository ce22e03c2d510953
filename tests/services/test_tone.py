"""The two tone services: vader_tone and adjective_tone."""

import pytest

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.schemas.items import Item, Question, Task
from orchestration_assets.services.registry import load_embedded
from tests.services.questions import ask
from tests.services.samples import PROSE

SERVICES = ["vader_tone", "adjective_tone"]
GLAD = (
    "This is a wonderful library and the documentation is excellent. I am very happy with it. "
    "The people who made it have done a great job."
)
SAD = (
    "This is a terrible library and the documentation is awful. It was a bad idea to use it. "
    "The worst of it is that the horrible tests are useless."
)
NEUTRAL = "The file is in the folder that the archive was written to."


def tone(service: str, text: str, family: str = "prose") -> float:
    answer = ask(service, text, family).answer
    assert isinstance(answer, float)
    return answer


@pytest.mark.parametrize("service", SERVICES)
def test_glad_and_sad(service: str) -> None:
    assert tone(service, GLAD) > 0.3
    assert tone(service, SAD) < -0.3
    assert -1.0 <= tone(service, SAD * 50) <= tone(service, GLAD * 50) <= 1.0


@pytest.mark.parametrize("service", SERVICES)
def test_negation_turns_it_round(service: str) -> None:
    assert tone(service, "This is not a good idea.") < 0 < tone(service, "This is a good idea.")


@pytest.mark.parametrize("service", SERVICES)
def test_neutral_sentences_dilute(service: str) -> None:
    assert 0 < tone(service, GLAD + 6 * (" " + NEUTRAL)) < tone(service, GLAD)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("text", ["", NEUTRAL, PROSE["fr"], PROSE["de"], PROSE["zh"], "12 34"])
def test_no_evidence(service: str, text: str) -> None:
    reading = ask(service, text)
    assert reading.status is Status.ABSTAINED
    assert reading.reason


REFERENCE = (
    "Returns the first error that was raised while the support files were read. The default is "
    "to fail. Pass a true value to kill the process instead, or to free the memory like the older "
    "functions do. See the help of the command for more. A new block is allocated where the old "
    "one is not large enough. The order of the arguments is the same as for the main function."
)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("times", [1, 8])
def test_the_terms_of_a_reference_are_no_tone(service: str, times: int) -> None:
    assert ask(service, REFERENCE * times, "markup").status is Status.ABSTAINED
    comment = "".join(f"# {line}\n" for line in REFERENCE.split(". "))
    assert ask(service, comment * times, "code").status is Status.ABSTAINED
    # one word of praise in a long reference is an accident, a verdict in every other line is none
    assert ask(service, REFERENCE * 8 + " This is a wonderful function.").answer is None
    assert tone(service, " ".join([REFERENCE, *[GLAD] * 3])) > 0


@pytest.mark.parametrize("service", SERVICES)
def test_short_exclamations_count(service: str) -> None:
    assert tone(service, "Great work!") > 0


@pytest.mark.parametrize("service", SERVICES)
def test_comments_have_a_tone_and_data_has_none(service: str) -> None:
    assert tone(service, f"# {SAD}\nx = 1\n", "code") < 0
    assert ask(service, SAD, "data").status is Status.ABSTAINED


@pytest.mark.parametrize("service", SERVICES)
def test_confidence_follows_the_evidence(service: str) -> None:
    one = ask(service, "This is a good idea.").confidence
    many = ask(service, GLAD).confidence
    torn = ask(service, GLAD + " " + SAD).confidence
    assert one is not None
    assert many is not None
    assert torn is not None
    assert one < many
    assert torn < many


@pytest.mark.parametrize("service", SERVICES)
def test_the_tasks_scale(service: str) -> None:
    item = Item("item", "hash", "a.txt", GLAD)
    stars = Task("tone", "1", AnswerKind.SCORE, scale=(1.0, 5.0))
    answer = load_embedded(service).answer(Question(stars, item)).answer
    assert answer == pytest.approx(3 + 2 * tone(service, GLAD), abs=1e-3)
