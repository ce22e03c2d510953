"""The embedded services by name, each imported only when it is asked for."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from orchestration_assets.services.contract import EmbeddedService

EMBEDDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "extension_map": "orchestration_assets.services.content_type.extension_map:ExtensionMap",
        "grammar": "orchestration_assets.services.content_type.grammar_competition:GrammarCompetition",
        "magika": "orchestration_assets.services.content_type.magika_service:MagikaService",
        "langid": "orchestration_assets.services.language.langid_service:LangidService",
        "stopwords": "orchestration_assets.services.language.stopword_service:StopwordService",
        "tfidf_keywords": "orchestration_assets.services.keywords.tfidf_keywords:TfidfKeywords",
        "graph_keywords": "orchestration_assets.services.keywords.graph_keywords:GraphKeywords",
        "declared_title": "orchestration_assets.services.title.declared_title:DeclaredTitle",
        "central_sentence": "orchestration_assets.services.title.central_sentence:CentralSentence",
        "title_judge": "orchestration_assets.services.title.title_judge:TitleJudge",
        "vader_tone": "orchestration_assets.services.tone.vader_tone:VaderTone",
        "adjective_tone": "orchestration_assets.services.tone.adjective_tone:AdjectiveTone",
        "word_hashing": "orchestration_assets.services.embedding.word_hashing:WordHashing",
        "ngram_hashing": "orchestration_assets.services.embedding.ngram_hashing:NgramHashing",
        "word_labels": "orchestration_assets.services.own_labels.word_labels:WordLabels",
        "example_labels": "orchestration_assets.services.own_labels.example_labels:ExampleLabels",
        "semantic_embedding": "orchestration_assets.services.embedding.semantic_embedding:SemanticEmbedding",
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
