"""The vector services: word_hashing, ngram_hashing and the optional semantic_embedding."""

import builtins
import math
import struct
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from orchestration_assets.schemas.enums import Status
from orchestration_assets.schemas.errors import OrchestrationError
from orchestration_assets.services.embedding import semantic_embedding
from orchestration_assets.services.registry import load_embedded
from tests.services.questions import ask, question
from tests.services.samples import CODE, PROSE

HASHED = ["word_hashing", "ngram_hashing"]
SERVICES = HASHED + (["semantic_embedding"] if find_spec("wordllama") else [])
ICE = "The glacier moved down the valley, and its ice carved the rock of the mountain."
ICE_AGAIN = "Ice of glaciers carves mountain valleys: a moving glacier grinds the rock."
MONEY = "The bank raised the interest on loans, and shares of insurance companies fell."


def vector(service: str, text: str, family: str = "prose") -> tuple[float, ...]:
    answer = ask(service, text, family).answer
    assert isinstance(answer, tuple)
    return tuple(float(part) for part in answer)


def cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("service", SERVICES)
def test_shape(service: str) -> None:
    found = vector(service, PROSE["en"])
    assert len(found) == 256
    assert math.sqrt(cosine(found, found)) == pytest.approx(1.0, abs=1e-5)
    assert all(struct.unpack("f", struct.pack("f", part))[0] == part for part in found)


@pytest.mark.parametrize("service", SERVICES)
def test_like_is_near_like(service: str) -> None:
    ice = vector(service, ICE)
    assert cosine(ice, vector(service, ICE_AGAIN)) > cosine(ice, vector(service, MONEY)) + 0.1


@pytest.mark.parametrize("service", SERVICES)
def test_code_is_near_code_of_its_kind(service: str) -> None:
    python = vector(service, CODE["python"], "code")
    longer = vector(service, CODE["python"] + "\n\nother = Store('.').names()\n", "code")
    assert cosine(python, longer) > 0.85


@pytest.mark.parametrize("service", HASHED)
def test_a_word_more_changes_little(service: str) -> None:
    whole = PROSE["en"] * 2
    assert cosine(vector(service, whole), vector(service, whole + " Indeed.")) > 0.95


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("text", ["", " \n ", "?! -- ..", "\ud800"])
def test_no_words(service: str, text: str) -> None:
    assert ask(service, text).status is Status.ABSTAINED


@pytest.mark.parametrize("service", SERVICES)
def test_few_words_are_less_sure(service: str) -> None:
    short, long = ask(service, "glacier").confidence, ask(service, PROSE["en"]).confidence
    assert short is not None
    assert long is not None
    assert short < 0.1 < long


def test_other_processes_say_the_same() -> None:
    """A hash that Python salts anew for each process would not."""
    program = (
        "from tests.services.questions import ask\n"
        f"print([ask(service, {PROSE['en']!r}).answer for service in {HASHED!r}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == repr([vector(one, PROSE["en"]) for one in HASHED])


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "wordllama":
            raise ImportError(name)
        return real(name, *rest, **named)

    service = load_embedded("semantic_embedding")
    semantic_embedding._model.cache_clear()
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(OrchestrationError, match=r"content-orchestration\[semantic\]"):
        service.answer(question("embedding", PROSE["en"]))
