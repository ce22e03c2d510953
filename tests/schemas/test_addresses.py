"""Which base addresses and names of variables a policy may hold."""

import pytest

from orchestration_assets.schemas.addresses import address_problem
from orchestration_assets.schemas.variables import is_variable_name, looks_like_secret


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8377/v1",
        "https://api.example.com/v1/",
        "http://127.0.0.1",
        "http://[::1]:8080/v1",
        "https://host_with_underscore:1/openai/deployments/x",
        "https://bücher.example/v1",
        "http://service.internal.:80",
        "http://169.254.169.254/latest",
    ],
)
def test_an_address_that_can_be_asked_is_taken(address) -> None:
    assert address_problem(address) is None


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "must start with http"),
        ("ftp://host", "must start with http"),
        ("file:///etc/passwd", "must start with http"),
        ("javascript:alert(1)", "must start with http"),
        (" http://host", "must start with http"),
        ("http://", "names no host"),
        ("http:///v1", "names no host"),
        ("http://:80", "names no host"),
        ("http://user:s3cret@host/v1", "user or password"),
        ("http://s3cret@host/v1", "user or password"),
        ("http://host/v1?key=s3cret", "query or fragment"),
        ("http://host/v1#s3cret", "query or fragment"),
        ("http://host:99999", "port"),
        ("http://host:0", "port"),
        ("http://host:x", "port"),
        ("http://[::1", "host or port"),
        ("http://[zz]/", "host or port"),
        ("http://a b/", "a space"),
        ("http://host/\n", "a space"),
        ("http://host/{x}", "a space"),
        ("http://a..b", "cannot exist"),
        ("http://.a", "cannot exist"),
        ("http://-a", "cannot exist"),
        ("http://" + "a" * 64, "cannot exist"),
        ("http://host/" + "a" * 3000, "longer"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_without_it(address, words) -> None:
    problem = address_problem(address)
    assert problem is not None
    assert words in problem
    assert "s3cret" not in problem


def test_names_are_told_from_keys() -> None:
    for name in ("OPENAI_API_KEY", "openai_key", "HF_TOKEN", "E2E_KEY", "KEY_2", "myOpenAIKey"):
        assert is_variable_name(name), name
    for key in ("AKIAIOSFODNN7EXAMPLE", "a1b2c3d4e5f6a7b8", "with-dash", "1A", "", "a" * 101):
        assert not is_variable_name(key), key


def test_words_are_no_secrets() -> None:
    for words in (
        "risk-assessment-service",
        "text_embedding_3_large",
        "gpt-4o-2024-08-06",
        "ünïcode",
    ):
        assert not looks_like_secret(words), words
    for secret in ("Zq8vT3nW5xK1mB7cD9fG", "sk-proj-a1b2c3d4e5", "https://a/b", "x" * 41):
        assert looks_like_secret(secret), secret
