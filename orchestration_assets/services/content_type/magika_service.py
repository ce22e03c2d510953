"""Content type from the content, by the magika model."""

import os
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Final

from orchestration_assets.schemas.items import Question, Reading
from orchestration_assets.services.content_type.content_types import from_magika
from orchestration_assets.services.contract import EmbeddedService
from orchestration_assets.services.readings import abstention, label_reading

# The model looks at no more than one block (4 KB) at either end of the content; characters
# are never fewer than the bytes that they become, so this many at either end are enough.
_END_CHARS: Final = 4096


@cache
def _model() -> Any:
    # else the runtime tells its maker of every session, over the network, and keeps a database of
    # what it could not send; it looks only while it is imported
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    onnxruntime = import_module("onnxruntime")
    from magika import Magika

    class OneThread(Magika):
        """magika on one thread: its model is so small that more threads only wait."""

        def _init_onnx_session(self) -> Any:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            return onnxruntime.InferenceSession(
                self._model_path, sess_options=options, providers=["CPUExecutionProvider"]
            )

    return OneThread()


@cache
def _low_confidence() -> Any:
    from magika.types import OverwriteReason

    return OverwriteReason.LOW_CONFIDENCE


class MagikaService(EmbeddedService):
    """What magika's model sees, and its score; below its own threshold for a type it abstains.

    There magika itself answers "txt", at the score of what it would have guessed.
    """

    name: ClassVar[str] = "magika"
    expected_ms: ClassVar[float] = 5.0

    @classmethod
    def prepare(cls) -> None:
        _model()

    def answer(self, question: Question) -> Reading:
        text = question.item.text
        if len(text) > 2 * _END_CHARS:
            text = text[:_END_CHARS] + text[-_END_CHARS:]
        content = text.encode("utf-8", "replace")
        result = _model().identify_bytes(content)
        if not result.ok:
            return abstention(f"magika: {result.status}")
        prediction = result.prediction
        if prediction.dl.label == "undefined":
            return abstention("too little content for the model")
        if prediction.overwrite_reason is _low_confidence():
            guess = prediction.dl.description
            return abstention(
                f"magika is unsure: its best guess is {guess} ({prediction.score:.2f})"
            )
        if not prediction.output.is_text:
            return abstention(f"magika sees {prediction.output.description}, but this is text")
        label = str(prediction.output.label)
        evidence = f"magika sees {prediction.output.description} ({prediction.score:.2f})"
        return label_reading(question, [(from_magika(label), float(prediction.score))], evidence)
