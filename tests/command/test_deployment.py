"""The processes of deploy/compose.yaml, started by their own commands without containers."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from orchestration_assets.policy.load import load_policy
from resources.bucket import Bucket
from resources.home import Home
from tests.resources.feature_cache.conftest import redis_server
from tests.servers import free_port, postgres_server, s3_server

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
OURS = ("dask-scheduler", "dask-worker", "code", "webserver", "daemon")
PATIENCE_S = 400.0
STORE = "s3://bucket/home"
SENSORS = """
mutation { startSensor(sensorSelector: {repositoryName: "__repository__",
  repositoryLocationName: "orchestration", sensorName: "new_content_sensor"}) {
  __typename ... on PythonError { message } } }
"""


def test_every_process_of_the_project_has_one_environment_and_the_files_that_it_names() -> None:
    for name in OURS:
        service = COMPOSE["services"][name]
        assert service["environment"] == COMPOSE["x-project"]["environment"]
        assert "home:/srv/orchestration" in service["volumes"]
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    for copied in re.findall(r"^COPY (.+) \S+$", recipe, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split())
    variables = set(re.findall(r"\$\{(\w+)", (ROOT / "deploy" / "compose.yaml").read_text()))
    readme = (ROOT / "deploy" / "README.md").read_text()
    assert variables and all(name in readme for name in variables)
    instance = (ROOT / "deploy" / "dagster.yaml").read_text()
    named = re.findall(r"env: (\w+)", instance)
    assert named and set(named) <= COMPOSE["x-project"]["environment"].keys()


class Processes:
    """The project's services as processes, with loopback in the place of their host names."""

    def __init__(self, folder: Path, postgres: str, redis: str, policy: Path) -> None:
        self.folder = folder
        self.home, self.content = folder / "home", folder / "content"
        self.ports = {name: free_port() for name in ("dask-scheduler", "code", "webserver")}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        known = {
            "DAGSTER_POSTGRES_URL": postgres,
            "FEATURE_CACHE_URL": redis,
            "ORCHESTRATION_POLICY": str(policy),
        }
        self.environment = {
            name: known.get(name) or self.here(value)
            for name, value in COMPOSE["x-project"]["environment"].items()
        }
        for place in (self.home, self.content):
            place.mkdir()
        for name in ("dagster.yaml", "workspace.yaml"):
            (folder / name).write_text(self.here((ROOT / "deploy" / name).read_text()))

    def here(self, text: str) -> str:
        """The text with the places and names of containers replaced by those of this test."""
        for port, name in (("8786", "dask-scheduler"), ("4000", "code"), ("3000", "webserver")):
            text = re.sub(rf"\b{port}\b", str(self.ports[name]), text)
        for name in (*OURS[:1], "0.0.0.0"):
            text = text.replace(name, "127.0.0.1")
        text = text.replace("host: code", "host: 127.0.0.1")
        places = {"/srv/orchestration": self.home, "/srv/content": self.content}
        for place, instead in places.items():
            text = text.replace(place, str(instead))
        return text

    def start(self, name: str) -> None:
        command = [self.here(str(word)) for word in COMPOSE["services"][name]["command"]]
        # scripts of the interpreter that runs this test, or of the one that it was made from
        places = [Path(sys.prefix) / "bin", Path(sys.base_prefix) / "bin"]
        (found, *_) = [p for place in places if (p := place / command[0]).exists()]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, str(found), *command[1:]],
                env={
                    **os.environ,
                    **self.environment,
                    "DAGSTER_HOME": str(self.folder),
                    "ORCHESTRATION_TICK_SECONDS": "2",
                    "PYTHONPATH": str(ROOT),
                },
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        for process in self.running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def until(self, what: str, look: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            # before it listens
            with suppress(OSError, ValueError, KeyError):
                if found := look():
                    return found
            time.sleep(1.0)
        logs = "".join(f"--- {p.name}\n{p.read_text()[-1500:]}" for p in self.folder.glob("*.log"))
        raise AssertionError(f"no {what} within {PATIENCE_S} s\n{logs}")

    def ask(self, query: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['webserver']}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)["data"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("dagster_postgres") is None, reason="needs the extra postgres")
def test_content_dropped_in_becomes_a_report_through_all_of_them(tmp_path) -> None:
    policy = load_policy().policy.model_dump(mode="json", by_alias=True, exclude_none=True)
    policy["content"] |= {"settle_s": 0.5}
    policy["content"]["batch"] |= {"wait_s": 1}
    # small batches go to the cluster too
    policy["execution"]["tiers"] |= {"dask_from_items": 2, "dask_from_s": 0}
    policy["execution"]["cache"] |= {"redis_url_env": "FEATURE_CACHE_URL", "min_item_bytes": 0}
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy))
    with (
        postgres_server() as postgres,
        redis_server(tmp_path) as (redis, _),
        s3_server() as s3,
    ):
        processes = Processes(tmp_path, postgres.url, redis, file)
        # as store.env says it
        processes.environment |= {"ORCHESTRATION_STORE": STORE, **s3.environment}
        try:
            for name in OURS:
                processes.start(name)
            processes.until(
                "web server with its code location",
                lambda: processes.ask(SENSORS)["startSensor"]["__typename"] == "Sensor",
            )
            for n in range(6):
                text = f"# Note {n}\n\nThis is the note with number {n}, about the weather.\n"
                (processes.content / f"note{n}.md").write_text(text)
            reports = processes.home / "reports"
            processes.until("report", lambda: list(reports.glob("2*Z-????????.html")))
            answered = next(Home(processes.home).tables.intact("resolutions"))
            assert answered.num_rows >= 6
            bucket = Bucket(STORE)
            processes.until("page in the bucket", lambda: bucket.list("reports"))
            assert {key.split("/")[1] for key in bucket.list("tables")} >= {"resolutions"}
            engine = sa.create_engine(postgres.url)
            with engine.connect() as connection:
                runs = connection.execute(sa.text("SELECT count(*) FROM runs")).scalar()
            assert runs >= 1 and not list(tmp_path.rglob("runs.db"))
            import redis as client

            assert client.Redis.from_url(redis).dbsize() >= 6
            scheduler = (tmp_path / "dask-scheduler.log").read_text()
            assert "Register worker" in scheduler and scheduler.count("Receive client") >= 1
        finally:
            processes.stop()
