"""Secrets that stand in a policy are refused and not quoted; what only sounds like one is not."""

import pytest
from pydantic import TypeAdapter, ValidationError

from orchestration_assets.schemas.pasted_secrets import Parameters, PlainAddress
from orchestration_assets.schemas.policy import Content, FeatureCache
from orchestration_assets.schemas.services import EmbeddedConfig
from tests.ai_services.http.samples import chat

ISSUED = "sk-live-ABCDEFGH12345678"
PARAMETERS, ADDRESS = TypeAdapter(Parameters), TypeAdapter(PlainAddress)


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        ({"api_key": ISSUED}, ISSUED),
        ({"apiKey": "hunter2hunter2"}, "hunter2hunter2"),
        ({"APIKEY": "hunter2"}, "hunter2"),
        ({"client-token": "hunter2"}, "hunter2"),
        ({"extra": [{"password": "correct horse"}]}, "correct horse"),
        ({"user": ISSUED}, ISSUED),
        ({"stop": ["x", f"Bearer {ISSUED}"]}, ISSUED),
        ({"auth": {"value": "a8f3b1c99d0e4f5a6b7c8d9e"}}, "a8f3b1c99d0e4f5a6b7c8d9e"),
        ({"pad_token": "a8f3b1c99d0e4f5a6b7c8d9e"}, "a8f3b1c99d0e4f5a6b7c8d9e"),
        ({ISSUED: 1}, ISSUED),
    ],
)
def test_a_secret_among_parameters_is_refused(given, secret) -> None:
    for made in (
        lambda: PARAMETERS.validate_python(given),
        lambda: EmbeddedConfig(implementation="x", parameters=given),
        lambda: chat("http://localhost/v1", parameters=given),
    ):
        with pytest.raises(ValidationError, match="looks secret") as caught:
            made()
        assert all(secret not in one["msg"] for one in caught.value.errors())


@pytest.mark.parametrize(
    "given",
    [
        {"max_tokens": 9, "max_completion_tokens": "9", "logit_bias": {"50256": -100}},
        {"stop_token": "</s>", "pad_token": "<pad>", "prompt_cache_key": "kinds-of-mail"},
        {"labels": {"password": ["reset", "forgot"], "key": ["lost the key"]}},
        {"examples": {"token": ["see https://x.example/a for a new one"]}},
        {"keywords": "a", "author": "b", "monkey": "c", "tokenizer": "cl100k_base"},
        {"model_file": "all-MiniLM-L6-v2", "key": 3, "password": None, "secret": True},
    ],
)
def test_what_only_sounds_secret_is_taken(given) -> None:
    assert PARAMETERS.validate_python(given) == given


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIAABCDEFGH12345678:secretsecret@bucket/x",
        "http://u:secretpw@h/",
        "simplecache::ftp://u:secret/pw@h/",
        "https://ghp_ABCDEFGHIJKL123456@host/x",
        "https://h/x?token=secretpw",
        "https://h/x?a=1&X-Amz-Signature=secretpw",
        "https://h/x?sv=1&sig=secretpw",
    ],
)
def test_an_address_with_credentials_is_refused(address) -> None:
    for made in (
        lambda: ADDRESS.validate_python(address),
        lambda: Content(sources=(address,)),
        lambda: FeatureCache(durable=address),
    ):
        with pytest.raises(ValidationError, match="user and password") as caught:
            made()
        assert all("secret" not in one["msg"] for one in caught.value.errors())


@pytest.mark.parametrize(
    "address",
    ["features", "s3://bucket/x", "abfs://box@account.dfs.core.windows.net/x", "http://h:80/@me",
     "/data/a:b/c@d", "zip://a.txt::https://h:8080/x.zip", "ftp://anonymous@h/"],
)  # fmt: skip
def test_an_address_without_credentials_is_taken(address) -> None:
    assert ADDRESS.validate_python(address) == address
    assert FeatureCache(durable=address).durable == address
