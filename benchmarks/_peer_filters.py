"""Runs in a peer's own environment: times it on texts, prints JSON. Imports nothing of ours."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def _lizard() -> Callable[[list[list[str]]], Any]:
    import lizard

    analyse = lizard.analyze_file.analyze_source_code
    return lambda texts: [analyse(path, text).function_list for path, text in texts]


def _datatrove() -> Callable[[list[list[str]]], Any]:
    from datatrove.data import Document
    from datatrove.pipeline.filters import (
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    filters = [GopherQualityFilter(), GopherRepetitionFilter(), FineWebQualityFilter()]

    def run(texts: list[list[str]]) -> None:
        for path, text in texts:
            document = Document(text=text, id=path)
            for one in filters:
                one.filter(document)

    return run


def _data_juicer() -> Callable[[list[list[str]]], Any]:
    from importlib import import_module

    filters = []
    for name in (
        "alphanumeric",
        "average_line_length",
        "character_repetition",
        "maximum_line_length",
        "special_characters",
        "text_length",
        "word_repetition",
        "words_num",
    ):
        module = import_module(f"data_juicer.ops.filter.{name}_filter")
        filters.append(getattr(module, "".join(map(str.title, name.split("_"))) + "Filter")())

    def run(texts: list[list[str]]) -> None:
        for _, text in texts:
            samples: dict[str, Any] = {"text": [text], "__dj__stats__": [{}]}
            for one in filters:
                samples = one.compute_stats_batched(samples)

    return run


_PEERS = {"lizard": _lizard, "datatrove": _datatrove, "data_juicer": _data_juicer}


def main(arguments: list[str]) -> None:
    """``PEER TEXTS``: TEXTS is a JSON file with a list of [path, text]."""
    peer, path = arguments
    texts = json.loads(Path(path).read_text("utf-8"))
    run = _PEERS[peer]()
    run(texts[:20])
    began = time.process_time()
    run(texts)
    print(json.dumps({"texts": len(texts), "seconds": time.process_time() - began}))


if __name__ == "__main__":
    main(sys.argv[1:])
