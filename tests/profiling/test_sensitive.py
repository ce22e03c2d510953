"""What looks like a credential or a person's data is counted, what merely resembles one is not."""

import pytest

from orchestration_assets.profiling.characters import Characters
from orchestration_assets.profiling.sensitive import (
    SECRET_CHARS_LEAST,
    personal_data_count,
    secret_count,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("AKIA" + "ABCD2345" * 2, 1),
        ("ghp_" + "a1" * 18, 1),
        ("key=-sk-" + "a1" * 18, 1),
        ("eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0", 1),
        ("-----BEGIN RSA PRIVATE KEY-----", 1),
        ('Password = "hunter2hunter"', 1),
        ("password: please choose one", 0),
        ('token = "placeholder"', 0),
        ("a risk-free desk-bound task-oriented sk-etch", 0),
    ],
)
def test_secrets(text: str, count: int) -> None:
    whole = f"x\n{text}\n"
    places = Characters.from_text(whole).long_tokens(SECRET_CHARS_LEAST)
    assert secret_count(whole, places) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("write to ann.lee+x@example.co.uk or bob@example.org", 2),
        ("@decorator and a@b and @ alone and x @ y.com", 0),
        ("call +49 30 1234567 or +1 (212) 555-0100", 2),
        ("1 + 2 + 33 and +5", 0),
        ("078-05-1120", 1),
        ("1078-05-1120 and 078-05-11200 and 2026-11-24", 0),
        ("4111 1111 1111 1111", 1),
        ("card=4111111111111111,", 1),
        ("5500-0000-0000-0004", 1),
        ("4111 1111 1111 1112 and 0.4111111111111111 and 14111111111111111", 0),
        ("\u0661\u0662\u0663-\u0661\u0662-\u0661\u0662\u0663\u0664", 0),
    ],
)
def test_personal_data(text: str, count: int) -> None:
    for whole in (text, f"x\n{text}\n", f"\u00e9 {text}"):
        assert personal_data_count(whole, Characters.from_text(whole).long_numbers()) == count


def test_a_text_full_of_signs_is_followed_up_so_far_and_no_further() -> None:
    assert personal_data_count("a@example.org " * 1000, []) == 200
