"""What of long messages is remembered."""

import pytest

from orchestration_assets.conversations.brevity import remembered
from orchestration_assets.schemas.services import SensitiveKind
from orchestration_assets.text.redaction import redact


@pytest.mark.parametrize("secret", ["AKIAIOSFODNN7EXAMPLE", "ann.smith@example.org"])
def test_no_cut_falls_into_something_sensitive(secret: str) -> None:
    for before in range(40):
        text = f"{'a' * before} {secret} and so on " + "word " * 5_000
        kept = remembered(text, 41)
        assert len(kept) <= 41
        assert text.startswith(kept)
        shown = redact(kept, tuple(SensitiveKind)).text
        assert secret[:4] not in shown, before
    assert remembered(secret, 41) == secret
