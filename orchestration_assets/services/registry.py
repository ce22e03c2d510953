"""The embedded services by name, packaged and plugged in, each imported only when asked for."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from math import inf
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from orchestration_assets.plugins import (
    PluginError,
    PluginGroup,
    PluginListing,
    list_plugins,
    load_plugin,
)
from orchestration_assets.schemas.enums import AnswerKind
from orchestration_assets.services.contract import EmbeddedService

EMBEDDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "extension_map": "content_type.extension_map:ExtensionMap",
        "grammar": "content_type.grammar_competition:GrammarCompetition",
        "magika": "content_type.magika_service:MagikaService",
        "langid": "language.langid_service:LangidService",
        "stopwords": "language.stopword_service:StopwordService",
        "tfidf_keywords": "keywords.tfidf_keywords:TfidfKeywords",
        "graph_keywords": "keywords.graph_keywords:GraphKeywords",
        "declared_title": "title.declared_title:DeclaredTitle",
        "central_sentence": "title.central_sentence:CentralSentence",
        "title_judge": "title.title_judge:TitleJudge",
        "vader_tone": "tone.vader_tone:VaderTone",
        "adjective_tone": "tone.adjective_tone:AdjectiveTone",
        "word_hashing": "embedding.word_hashing:WordHashing",
        "ngram_hashing": "embedding.ngram_hashing:NgramHashing",
        "word_labels": "own_labels.word_labels:WordLabels",
        "example_labels": "own_labels.example_labels:ExampleLabels",
        "labelled_values": "records.labelled_values:LabelledValues",
        "found_facts": "records.found_facts:FoundFacts",
        "declared_facts": "records.declared_facts:DeclaredFacts",
        "semantic_embedding": "embedding.semantic_embedding:SemanticEmbedding",
    }
)
"""Service name -> its class as ``package.module:Class`` below ``orchestration_assets.services``."""


_PACKAGED: Final = frozenset(EMBEDDED)


def load_embedded(name: str, parameters: Mapping[str, Any] | None = None) -> EmbeddedService:
    """A new instance of the embedded service ``name``.

    Raises KeyError for an unknown name, with the nearest known one, PluginError for a plug-in that
    cannot be used, and pydantic.ValidationError for parameters that the service does not take.
    """
    service_class = embedded_class(name)
    plugin = None if name in EMBEDDED else service_plugins().usable[name]
    if plugin is None:
        return service_class(parameters)
    try:
        service = service_class(parameters)
    except ValidationError:
        raise
    except Exception as error:
        # its words may quote parameters, and a secret may stand there
        raise PluginError(
            f"{plugin}: raises {type(error).__name__} with these parameters; change them, or mend "
            f"{plugin.distribution}"
        ) from error
    service.distribution = plugin.origin
    return service


def embedded_class(name: str) -> type[EmbeddedService]:
    """The class of the embedded service ``name``.

    Raises KeyError for an unknown name, with the nearest known one, and PluginError for a plug-in
    that cannot be used.
    """
    if name in EMBEDDED:
        module, class_name = EMBEDDED[name].split(":")
        service_class: type[EmbeddedService] = getattr(
            import_module(f"orchestration_assets.services.{module}"), class_name
        )
        return service_class
    return _plugged_in(name)


@cache
def _plugged_in(name: str) -> type[EmbeddedService]:
    listed = service_plugins()
    if name in listed.usable:
        return load_plugin(listed.usable[name], EmbeddedService, class_problems)
    if (problem := listed.problem_of(name)) is not None:
        raise PluginError(str(problem))
    nearest = get_close_matches(name, embedded_names(), n=1, cutoff=0.0)[0]
    raise KeyError(f"no embedded service is called {name!r}; did you mean {nearest!r}?")


def embedded_names() -> list[str]:
    """The names of all embedded services, those of plug-ins last; a plug-in may not load."""
    return [*EMBEDDED, *service_plugins().usable]


def service_plugins() -> PluginListing:
    """The installed plug-ins that are services; none of them is imported."""
    return list_plugins(PluginGroup.SERVICES, _PACKAGED)


def class_problems(name: str, service: type[EmbeddedService]) -> Iterator[str]:
    """What keeps a class from being the embedded service ``name``, in words."""
    kinds = service.kinds
    if not (isinstance(kinds, frozenset) and kinds and kinds <= frozenset(AnswerKind)):
        yield "kinds is no set of kinds of answer"
    expected = getattr(service, "expected_ms", None)
    if not (isinstance(expected, int | float) and 0.0 < expected < inf):
        yield "expected_ms is no time above 0 ms"
    model = service.Parameters
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield "Parameters is no pydantic model"
    elif model.model_config.get("extra") != "forbid":
        yield 'Parameters takes unknown names: give it model_config = ConfigDict(extra="forbid")'
