"""The drill's server as people start it, and the policy that comes with it."""

import json
import subprocess
import sys
import urllib.request
from importlib.resources import files

import pytest

from orchestration_assets.__main__ import main as orchestrate
from resources.ai_services.drill.__main__ import main
from resources.ai_services.drill.faults import Fault, striking


@pytest.mark.slow
def test_the_policy_that_it_prints_runs_against_it_unchanged(corpus, home, tmp_path, capsys):
    assert main(["--policy"]) == 0
    policy = tmp_path / "services.yaml"
    policy.write_text(capsys.readouterr().out)
    assert policy.read_text() == (files("resources.ai_services.drill") / "policy.yaml").read_text()
    server = subprocess.Popen(
        [sys.executable, "-m", "resources.ai_services.drill"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        assert "serving http://127.0.0.1:8377/v1" in server.stderr.readline()
        code = orchestrate(
            ["run", str(corpus), "--home", str(home), "--policy", str(policy), "--json"]
        )
        with urllib.request.urlopen("http://127.0.0.1:8377/drill/log") as answer:
            log = json.load(answer)
    finally:
        server.terminate()
        server.wait()
        server.stderr.close()
    summary = json.loads(capsys.readouterr().out)
    assert code == 0
    # an attempt more is no fault: other work may keep the machine busy
    assert summary["calls"]["model"] >= 7
    assert summary["cost_usd"] > 0
    assert {one["path"] for one in log} == {"/v1/chat/completions", "/v1/embeddings"}


def test_a_script_that_is_not_valid_is_told(tmp_path, capsys) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("faults: [{kind: earthquake}]")
    assert main(["--script", str(script)]) == 2
    assert "faults.0.kind" in capsys.readouterr().err


def test_who_is_struck_depends_on_the_script_alone() -> None:
    half = (Fault(kind="error", share=0.5),)

    def struck(key: str, time: int = 0, number: int = 0, clock: float = 0.0, faults=half):
        return bool(
            striking(faults, 3, key=key, time=time, number=number, clock=clock, text="the text")
        )

    first = [struck(f"k{n}") for n in range(400)]
    assert first == [struck(f"k{n}", number=n) for n in range(400)]
    assert 150 < sum(first) < 250
    once = (Fault(kind="error", first_times=1),)
    assert struck("k", 0, faults=once) and not struck("k", 1, faults=once)
    outage = (Fault(kind="error", begin=5, end=10),)
    assert [struck("k", number=n, faults=outage) for n in (4, 5, 9, 10)] == [
        False,
        True,
        True,
        False,
    ]
    flapping = (Fault(kind="error", up_s=1.0, down_s=0.5),)
    assert [struck("k", clock=t, faults=flapping) for t in (0.5, 1.2, 1.6)] == [False, True, False]
    poison = (Fault(kind="refused", contains="other"),)
    assert not struck("k", faults=poison)
