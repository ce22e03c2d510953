"""The embedded services by name, each imported only when it is asked for."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

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
    service_class: type[EmbeddedService] = getattr(
        import_module(f"orchestration_assets.services.{module}"), class_name
    )
    return service_class
