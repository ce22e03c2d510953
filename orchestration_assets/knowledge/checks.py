"""Checks of knowledge: every document of a version has its row and its passages."""

import pyarrow as pa
import pyarrow.compute as pc

from orchestration_assets.schemas.knowledge import KNOWLEDGE
from orchestration_assets.table_assets import Balance, Stored, table_checks


def _check_documents_told(stored: Stored, knowledge: pa.Table) -> list[Balance]:
    store = stored.home.knowledge
    documents = passages = 0
    for corpus in sorted(set(knowledge["corpus"].to_pylist())):
        version = store.current(corpus)
        if version is not None:
            held = store.documents(corpus, version)
            documents += held.num_rows
            passages += pc.sum(held["passages"]).as_py() or 0
    told = pc.sum(knowledge["passages"]).as_py() or 0
    return [
        Balance(documents, knowledge.num_rows, "documents of the versions in force with a row"),
        Balance(passages, told, "passages counted"),
    ]


knowledge_checks = table_checks(KNOWLEDGE, _check_documents_told, per_batch=False)
