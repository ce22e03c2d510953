"""Services of other distributions: used by their names, kept apart by their versions, and a broken
one is named and costs nobody else anything."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from orchestration_assets.__main__ import main
from orchestration_assets.plugins import Plugin, PluginError, PluginGroup, sorted_out
from orchestration_assets.policy.load import parse_policy
from orchestration_assets.policy.problems import PolicyError
from orchestration_assets.services.pool import build_services
from orchestration_assets.services.registry import EMBEDDED, embedded_class, load_embedded
from tests.plugins.conftest import _forget
from tests.plugins.distributions import POLICY, install, service_source


def problems_of(name: str, text: str = POLICY) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_policy(text.replace("NAME", name), "policy.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_a_policy_names_a_plug_in(site: Path) -> None:
    source = service_source("acme_score")
    install(site, "acme-score", {"acme_score": "acme:Service"}, modules={"acme": source})
    policy = parse_policy(POLICY.replace("NAME", "acme_score"), "policy.yaml").policy
    services = build_services(policy.services)
    assert services["one"].name == "acme_score"
    assert services["one"].version.startswith("acme-score-1.0+")
    assert "+" not in services["vader_tone"].version


def test_its_parameters_are_held_to_its_own_model(site: Path) -> None:
    source = service_source("acme_score")
    install(site, "acme-score", {"acme_score": "acme:Service"}, modules={"acme": source})
    wrong = POLICY.replace("share: 0.25", "shares: 0.25")
    assert problems_of("acme_score", wrong) == [
        "services.one.parameters.share, line 4: acme_score: Field required",
        "services.one.parameters.shares, line 4: acme_score: Extra inputs are not permitted",
    ]


def test_its_parameters_stand_in_the_schema(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = service_source("acme_score")
    install(site, "acme-score", {"acme_score": "acme:Service"}, modules={"acme": source})
    install(site, "acme-away", {"acme_away": "acme_away:Service"})
    assert main(["policy", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    def valid(service: dict[str, object]) -> bool:
        tone = {"question": "?", "kind": "score", "default": {"model": "sequential"}}
        tone["default"] |= {"services": ["one"]}
        return validator.is_valid(
            {"version": 2, "services": {"one": service}, "tasks": {"a": tone}}
        )

    assert valid({"implementation": "acme_score", "parameters": {"share": 0.5}})
    assert not valid({"implementation": "acme_score", "parameters": {"share": "much"}})
    assert not valid({"implementation": "acme_score"})
    assert valid({"implementation": "vader_tone"})
    assert not valid({"implementation": "vader_tone", "parameters": {"share": 0.5}})


def test_version_and_code_make_another_version(site: Path) -> None:
    def version_of(version: str, source: str) -> str:
        for path in site.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        sys.modules.pop("acme", None)
        points = {"acme_score": "acme:Service"}
        install(site, "acme-score", points, version=version, modules={"acme": source})
        _forget()
        return load_embedded("acme_score", {"share": 0.5}).version

    source = service_source("acme_score")
    first = version_of("1.0", source)
    assert version_of("1.0", source) == first
    assert version_of("1.1", source) != first
    assert version_of("1.0", source + "# another\n") != first


BROKEN = {
    "no such module": ("acme_away:Service", None, "cannot be imported (ModuleNotFoundError"),
    "no such class": ("acme:Other", "", "cannot be imported (AttributeError"),
    "raises": ("acme:Service", "raise RuntimeError('no\\nlicence')", "(RuntimeError: no licence)"),
    "leaves": ("acme:Service", "import sys; sys.exit(3)", "cannot be imported (SystemExit: 3)"),
    "no class": ("acme:Service", "Service = 1", "is no subclass of orchestration_assets.services"),
    "another class": ("acme:Service", "class Service: ...", "is no subclass of"),
    "abstract": (
        "acme:Service",
        service_source("acme_score").replace("def answer(", "def answers_not("),
        "does not define answer",
    ),
    "another name": ("acme:Service", service_source("other"), "its class says name = 'other'"),
    "no parameters model": (
        "acme:Service",
        service_source("acme_score").replace("= Given", "= dict"),
        "Parameters is no pydantic model",
    ),
    "lenient parameters": (
        "acme:Service",
        service_source("acme_score").replace('extra="forbid", ', ""),
        "Parameters takes unknown names",
    ),
    "no kinds": (
        "acme:Service",
        service_source("acme_score").replace("frozenset({AnswerKind.SCORE})", "frozenset()"),
        "kinds is no set of kinds of answer",
    ),
    "no time": (
        "acme:Service",
        service_source("acme_score").replace("= 0.1", "= 0"),
        "expected_ms is no time above 0 ms",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plug_in_is_named_where_it_is_used(
    site: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target, source, words = BROKEN[case]
    modules = {} if source is None else {"acme": source}
    install(site, "acme-score", {"acme_score": target}, version="2.1", modules=modules)
    (problem,) = problems_of("acme_score")
    place = "services.one.implementation, line 4: plug-in service 'acme_score' (acme-score 2.1, "
    assert problem.startswith(place + target)
    assert words in problem
    assert problem.count("acme-score") >= 2, "the remedy names the distribution"
    # nobody else is concerned
    assert parse_policy(
        POLICY.replace(
            "implementation: NAME, parameters: {share: 0.25}", "implementation: adjective_tone"
        ),
        "other.yaml",
    )
    assert main(["plugins"]) == 1
    assert words in capsys.readouterr().out


def test_a_service_that_refuses_to_be_built_is_named(site: Path) -> None:
    source = service_source("acme_score") + (
        "    def __init__(self, parameters=None):\n        raise KeyError('share')\n"
    )
    install(site, "acme-score", {"acme_score": "acme:Service"}, modules={"acme": source})
    (problem,) = problems_of("acme_score")
    assert "raises KeyError with these parameters" in problem


def test_a_packaged_name_stays_this_projects(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = service_source("vader_tone")
    install(site, "acme-tone", {"vader_tone": "acme:Service"}, modules={"acme": source})
    assert embedded_class("vader_tone").__module__.startswith("orchestration_assets.")
    assert main(["policy", "check"]) == 0
    noted = capsys.readouterr()
    assert "packaged default: valid" in noted.out
    assert noted.err.startswith(
        "warning: plug-in service 'vader_tone' (acme-tone 1.0, acme:Service)"
    )
    assert "acme" not in sys.modules
    assert main(["plugins", "--json"]) == 1
    by_distribution = {one["distribution"]: one for one in json.loads(capsys.readouterr().out)}
    assert "the name belongs to a service of this" in by_distribution["acme-tone"]["problem"]


def test_a_name_of_two_distributions_is_none(site: Path) -> None:
    for distribution in ("acme-one", "acme-two"):
        module = distribution.replace("-", "_")
        install(
            site,
            distribution,
            {"acme_score": f"{module}:Service"},
            modules={module: service_source("acme_score")},
        )
    (problem,) = problems_of("acme_score")
    assert "the name is also given by acme-two; uninstall all but one of them" in problem
    with pytest.raises(PluginError):
        embedded_class("acme_score")


def test_an_unknown_name_suggests_one_of_a_plug_in(site: Path) -> None:
    source = service_source("acme_score")
    install(site, "acme-score", {"acme_score": "acme:Service"}, modules={"acme": source})
    (problem,) = problems_of("acme_scores")
    assert problem.endswith("did you mean 'acme_score'?")
    assert "acme" not in sys.modules


def test_who_names_no_plug_in_lists_none(site: Path) -> None:
    """Installed packages are not even looked through."""
    install(site, "acme-score", {"acme_score": "acme:Service"}, modules={"acme": "raise OSError"})
    program = (
        "import sys, importlib.metadata as metadata\n"
        "real = metadata.entry_points\n"
        "def refuse(group):\n"
        "    assert not group.startswith('content_orchestration'), group\n"
        "    return real(group=group)\n"
        "metadata.entry_points = refuse\n"
        "from orchestration_assets.policy.load import load_policy\n"
        "from orchestration_assets.services.pool import build_services\n"
        "print(len(build_services(load_policy().policy.services)), 'acme' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    count, imported = done.stdout.split()
    assert int(count) > 0
    assert imported == "False"


names = st.one_of(st.sampled_from(["a", "b", "vader_tone", "A", "a-b", ""]), st.text(max_size=4))
listed = st.builds(
    Plugin,
    st.just(PluginGroup.SERVICES),
    names,
    st.sampled_from(["m:A", "m:B"]),
    st.sampled_from(["one", "two", "three"]),
    st.just("1"),
)


@given(st.lists(listed, max_size=12))
def test_every_plug_in_is_usable_or_has_its_problem(found: list[Plugin]) -> None:
    packaged = frozenset(EMBEDDED)
    sorted_ = sorted_out(found, packaged)
    refused = [one.plugin for one in sorted_.problems]
    assert sorted([*sorted_.usable.values(), *refused], key=str) == sorted(set(found), key=str)
    assert not sorted_.usable.keys() & packaged
    assert all(plugin.name == name for name, plugin in sorted_.usable.items())
    assert sorted_ == sorted_out(found[::-1], packaged)
