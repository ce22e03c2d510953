"""Two batches side by side in the explorer; what it serves of scripts is the report's own."""

import base64
import hashlib
import re

import httpx
import pytest

from orchestration_assets.explorer.guard import report_policy
from tests.conftest import Finished
from tests.explorer.attacks import markup_in
from tests.explorer.serving import Served


def test_batches_are_chosen_and_compared(shown: Served, finished: Finished) -> None:
    ada = shown.browser()
    batch = ada.get(f"/batch/{finished.batch}").text
    assert f'href="/compare/{finished.batch}"' in batch
    choice = ada.get(f"/compare/{finished.batch}").text
    assert "This home has no other batch" in choice
    same = ada.get(f"/compare/{finished.batch}/{finished.batch}")
    assert same.status_code == 200
    assert "both have the same questions, with the same answers" in same.text
    assert markup_in(same.text) == []


@pytest.mark.parametrize("name", ["20991231T000000Z-00000000", "..%2Fname", "%3Cscript%3E"])
def test_only_batches_of_the_home_are_compared(
    shown: Served, finished: Finished, name: str
) -> None:
    for path in (f"/compare/{name}", f"/compare/{finished.batch}/{name}"):
        answer = httpx.get(shown.address + path)
        assert answer.status_code == 404
        assert "<script>" not in answer.text


def test_a_stored_report_runs_its_own_script_alone(shown: Served, finished: Finished) -> None:
    page = shown.browser().get(f"/report/{finished.batch}")
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert policy.endswith(f"; script-src 'sha256-{digest}'")
    assert "sandbox allow-scripts;" in policy and "allow-same-origin" not in policy
    sheet = shown.browser().get(f"/report/{finished.batch}-review.html")
    assert "script-src" not in sheet.headers["content-security-policy"]


def test_content_says_nothing_of_what_may_run() -> None:
    said = "script-src 'sha256-" + "A" * 43 + "='"
    assert "script-src" not in report_policy(f"<head><title>{said}</title></head>{said}")
    assert report_policy(f"<head><meta {said}><title>").endswith(said)
