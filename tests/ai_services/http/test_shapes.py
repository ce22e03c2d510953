"""Every shape that servers send, served over real HTTP and read by the real service."""

import asyncio

import pyarrow as pa
import pytest

from orchestration_assets.schemas.enums import AnswerKind, Status
from orchestration_assets.text.replies.call_errors import CallError
from resources.ai_services.http.chat import ChatService
from resources.ai_services.http.embeddings import EmbeddingsService
from resources.ai_services.http.service import HttpService, Reply
from tests.ai_services.http.samples import asked, chat, embeddings
from tests.ai_services.http.serving import serving
from tests.ai_services.http.shapes import SHAPES, Shape
from tests.ai_services.http.storing import stored

PATIENT = {"connect_s": 20.0, "first_token_s": 20.0, "total_s": 20.0}


def service(shape: Shape, url: str) -> HttpService:
    base = f"{url}/{shape.name}/v1"
    settings = {"timeouts": PATIENT, **shape.settings}
    if shape.task.kind is AnswerKind.VECTOR:
        return EmbeddingsService("s", embeddings(base, **settings))
    prompt = {"user": "{{ content }}"}
    return ChatService("s", chat(base, stream=shape.stream, prompt=prompt, **settings))


async def came_of(shape: Shape, url: str) -> Reply | CallError:
    one = service(shape, url)
    try:
        return await one.send(one.prepare([asked("The kettle is broken.", shape.task)]), "k")
    except CallError as error:
        return error
    finally:
        await one.aclose()


@pytest.fixture(scope="module")
def url():
    with serving(SHAPES) as (address, _):
        yield address


def test_the_table_is_one() -> None:
    assert len({shape.name for shape in SHAPES}) == len(SHAPES) >= 120


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_each_shape_comes_to_what_is_right(shape: Shape, url: str) -> None:
    came, right = asyncio.run(came_of(shape, url)), shape.right
    if right.error is not None:
        assert type(came) is right.error, came
        assert right.reason in str(came)
        assert came.retry_after == right.retry_after
        return
    assert isinstance(came, Reply), repr(came)
    (reading,) = came.readings
    assert (reading.status, reading.answer) == (right.status, right.answer), reading
    assert reading.confidence == (
        None if right.confidence is None else pytest.approx(right.confidence, abs=1e-4)
    )
    assert right.reason in (reading.reason or "")
    assert right.evidence in (reading.evidence or "")
    if right.tokens is not None:
        assert (came.tokens_in, came.tokens_out) == right.tokens
    if reading.status is not Status.OK:
        assert reading.reason
        assert came.repairable is right.repairable
    assert isinstance(stored(reading, came), pa.Table)
