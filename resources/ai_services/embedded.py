"""The embedded services by name, each imported only when it is asked for."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from resources.ai_services.contract import EmbeddedService

EMBEDDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "extension_map": "resources.ai_services.extension_map:ExtensionMap",
        "grammar": "resources.ai_services.grammar_competition:GrammarCompetition",
        "magika": "resources.ai_services.magika_service:MagikaService",
        "langid": "resources.ai_services.langid_service:LangidService",
        "stopwords": "resources.ai_services.stopword_service:StopwordService",
        "tfidf_keywords": "resources.ai_services.tfidf_keywords:TfidfKeywords",
        "graph_keywords": "resources.ai_services.graph_keywords:GraphKeywords",
        "declared_title": "resources.ai_services.declared_title:DeclaredTitle",
        "central_sentence": "resources.ai_services.central_sentence:CentralSentence",
        "title_judge": "resources.ai_services.title_judge:TitleJudge",
        "vader_tone": "resources.ai_services.vader_tone:VaderTone",
        "adjective_tone": "resources.ai_services.adjective_tone:AdjectiveTone",
        "word_hashing": "resources.ai_services.word_hashing:WordHashing",
        "ngram_hashing": "resources.ai_services.ngram_hashing:NgramHashing",
        "word_labels": "resources.ai_services.word_labels:WordLabels",
        "example_labels": "resources.ai_services.example_labels:ExampleLabels",
        "semantic_embedding": "resources.ai_services.semantic_embedding:SemanticEmbedding",
    }
)
"""Service name -> where its class is, as ``module:Class``."""


def load_embedded(name: str, parameters: Mapping[str, Any] | None = None) -> EmbeddedService:
    """A new instance of the embedded service ``name``.

    Raises KeyError for an unknown name, with the nearest known one, and
    pydantic.ValidationError for parameters that the service does not take.
    """
    return embedded_class(name)(parameters)


def embedded_class(name: str) -> type[EmbeddedService]:
    """The class of the embedded service ``name``; raises KeyError with the nearest known name."""
    if name not in EMBEDDED:
        nearest = get_close_matches(name, EMBEDDED, n=1, cutoff=0.0)[0]
        raise KeyError(f"no embedded service is called {name!r}; did you mean {nearest!r}?")
    module, class_name = EMBEDDED[name].split(":")
    found: type[EmbeddedService] = getattr(import_module(module), class_name)
    return found
