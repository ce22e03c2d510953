"""Conversations for tests: messages of threads in their order, and plans about them."""

from collections.abc import Mapping, Sequence

from orchestration_assets.schemas.answers import Answer
from orchestration_assets.schemas.conversations import Message
from orchestration_assets.schemas.enums import ProcessingModel
from orchestration_assets.schemas.items import Item
from orchestration_assets.schemas.tables import PlanRow
from tests.rows import row


class Told:
    """What :class:`EarlierMessages` tells, of texts that are given: item ids are ``ada-1``."""

    def __init__(
        self, threads: Mapping[str, Sequence[str]], answers: Mapping[str, Answer] | None = None
    ) -> None:
        self.threads = {
            thread: tuple(
                Message(f"{thread}-{number}", number, text, thread)
                for number, text in enumerate(texts, 1)
            )
            for thread, texts in threads.items()
        }
        self.items = {one.item_id: one for own in self.threads.values() for one in own}
        self._answers = answers or {}

    def thread_of(self, item_id: str) -> str | None:
        return item_id.rpartition("-")[0] if item_id in self.items else None

    def place_of(self, item_id: str) -> int:
        return self.items[item_id].number - 1

    def messages(self, thread: str) -> tuple[Message, ...]:
        return self.threads[thread]

    def text_of(self, item_id: str) -> str:
        return self.items[item_id].text

    def speaker_of(self, item_id: str) -> str | None:
        return self.items[item_id].speaker

    def answers(self, task: str) -> Mapping[str, Answer]:
        return self._answers

    def load(self, item_id: str) -> Item:
        text = self.text_of(item_id)
        return Item(item_id, f"hash-{item_id}", "chat.jsonl", text)


def plans_about(items: Sequence[str], tasks: Mapping[str, str]) -> list[PlanRow]:
    """A plan for each item and task, by the service of the task."""
    return [
        row(
            PlanRow,
            batch="b",
            item_id=item,
            content_hash=f"hash-{item}",
            task=task,
            model=ProcessingModel.SEQUENTIAL,
            option="default",
            services=(service,),
        )
        for item in sorted(items)
        for task, service in sorted(tasks.items())
    ]
