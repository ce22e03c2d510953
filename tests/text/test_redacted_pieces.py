"""Long texts: cut into pieces before secrets are looked for, and no cut hides one."""

import random

import pytest

from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redacted_pieces import redacted_pieces
from orchestration_assets.text.redaction import RedactedText, redact
from resources.ai_services.http.chat import ChatService
from tests.ai_services.http.samples import asked, chat

_WORDS = "harbour storm buoy ship pilot letter town evening number seven moved closed".split()


def redacted(text: str) -> RedactedText:
    return redact(text, tuple(SensitiveKind))


def token(chance: random.Random, length: int) -> str:
    return "".join(chance.choice("abcdefghjkmnpqrstuvwxyzABCDEFGH23456789") for _ in range(length))


def key_block(chance: random.Random) -> tuple[str, list[str]]:
    lines = [token(chance, 64) for _ in range(chance.randint(10, 60))]
    body = "\n".join(lines)
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n", lines


def secrets_everywhere(chance: random.Random, chars: int, ends: str) -> tuple[str, list[str]]:
    """A text that is full of secrets, so that every cut has one near it, and what must not show."""
    parts: list[str] = []
    hidden: list[str] = []
    length = 0
    while length < chars:
        words = " ".join(chance.choice(_WORDS) for _ in range(chance.randint(1, 12)))
        sort = chance.randrange(4)
        if sort == 0:
            part, lines = key_block(chance)
            hidden += lines
        elif sort == 1:
            secret = token(chance, 36)
            hidden.append(secret)
            part = f"ghp_{secret}{ends}"
        elif sort == 2:
            secret = token(chance, 20)
            hidden.append(secret)
            part = f'password = "{secret}"{ends}'
        else:
            name = token(chance, 12)
            hidden.append(f"{name}@example.org")
            part = f"{name}@example.org{ends}"
        parts += [words, ends, part]
        length += len(words) + len(part) + 2
    return "".join(parts), hidden


@pytest.mark.parametrize("ends", ["\n", " ", ", "])
@pytest.mark.parametrize("seed", range(4))
def test_no_cut_hides_a_secret_from_the_patterns(seed, ends) -> None:
    chance = random.Random(seed)
    text, hidden = secrets_everywhere(chance, 400_000, ends)
    pieces, counts = redacted_pieces(text, 4096, redacted)
    assert len(pieces.texts) > 8
    assert sum(counts.values()) > 50
    shown = "\n".join(pieces.texts)
    assert [secret for secret in hidden if secret in shown] == []
    # nor a part of one
    assert [secret for secret in hidden if secret[:10] in shown or secret[-10:] in shown] == []


@pytest.mark.parametrize(
    "text",
    [
        "a" * 900_000,
        "ab;" * 300_000,
        "\n" * 900_000,
        "\N{GRINNING FACE}" * 300_000,
        "-----BEGIN " * 60_000,
    ],
    ids=["one word", "no space", "no word", "faces", "blocks without end"],
)
def test_texts_without_places_for_a_cut_are_shown_in_part(text) -> None:
    pieces, _ = redacted_pieces(text, 4096, redacted)
    assert 0.0 < pieces.share < 1.0
    assert sum(map(len, pieces.texts)) < 200_000
    assert redacted_pieces(text, 4096, redacted) == (pieces, _)


def test_what_is_looked_through_grows_with_the_budget_and_not_with_the_text() -> None:
    looked_at = []

    def watched(text: str) -> RedactedText:
        looked_at[-1] += len(text)
        return redacted(text)

    line = "The harbour was closed because the storm had moved the buoys.\n"
    for text, tokens in ((line * 20_000, 4096), (line * 200_000, 4096), (line * 20_000, 40_000)):
        looked_at.append(0)
        redacted_pieces(text, tokens, watched)
    small, large, generous = looked_at
    assert small == pytest.approx(large, rel=0.1)
    assert small < 1_000_000 < generous + 1_000_000
    assert generous > small


def test_a_short_text_is_looked_through_whole() -> None:
    text = "write to ann@example.org\n" * 1000
    pieces, counts = redacted_pieces(text, 4096, redacted)
    assert pieces.texts == (text.replace("ann@example.org", "[EMAIL]"),)
    assert (pieces.share, counts) == (1.0, {"email": 1000})


def test_a_prompt_about_a_long_text_shows_its_beginning_its_end_and_what_was_left_out() -> None:
    filler = "The harbour was closed because the storm had moved the buoys.\n"
    text = "TITLE Alpha.\n" + filler * 20_000 + "Finally the reactor pressure valve failed.\n"
    service = ChatService("c", chat("http://localhost/v1"))
    request = service.prepare([asked(text)])
    said = request.body["messages"][-1]["content"]
    (sent,) = request.sent
    assert "TITLE Alpha." in said
    assert "reactor pressure valve" in said
    assert "\n[...]\n" in said
    assert 0.0 < sent.content_share < 0.05
    assert "content tokens" in (sent.left_out or "")
    assert service.prepare([asked(text)]) == request
