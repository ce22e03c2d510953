"""Local workers that are copies of a process, behind the same face as a cluster."""

import pickle
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeVar

from orchestration_assets.schemas.errors import OrchestrationError
from resources.fork_server import ForkServer, ForkServerGoneError, Worker
from resources.machine import LARGE_BYTES, give_back_memory, usable_memory
from resources.worker_gain import FORK_SECONDS, WorkerGain

Piece = TypeVar("Piece")
Result = TypeVar("Result")

_DEATHS: Final = 3
"""A piece whose workers have died so often is not tried again."""
_FUNCTION, _PIECE = b"f", b"p"


class WorkersDiedError(OrchestrationError):
    """A piece of work has ended several workers; the message says what to do."""


class _Answer(NamedTuple):
    """What came of a piece: the pickled outcome, an error, or neither where nobody can do it."""

    number: int
    outcome: bytes | None = None
    error: BaseException | None = None


class ForkedWorkers:
    """So many processes of this machine for CPU work, made by a fork server when first needed.

    The server is this object's: it ends with the context. ``say`` is told of workers that died,
    one line each; what these were doing is done again by others, or by this process when there can
    be no others. ``gain`` may be told of another number of workers at any time.
    """

    dashboard: None = None

    def __init__(self, server: ForkServer, workers: int, say: Callable[[str], object]) -> None:
        self.gain = WorkerGain(workers, FORK_SECONDS, forked=True)
        self._server, self._say = server, say
        self._idle: list[Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._idle:
            worker.connection.close()
        self._idle.clear()
        self._server.close()

    def prepare(self) -> None:
        """Has what workers need loaded beside whatever this process does: there will be work."""
        self._server.prepare()

    def memory_bytes(self) -> int:
        """What this machine has left."""
        return usable_memory()

    def map_chunks(
        self, function: Callable[[Piece], Result], pieces: Sequence[Piece]
    ) -> Iterator[tuple[Piece, Result]]:
        """Each piece with what ``function`` made of it, as they are finished.

        ``function`` is at module level and pieces are plain data. Raises what the function raised,
        or WorkersDiedError for a piece that ended one worker after the other. When the caller
        stops listening, what is under way ends.
        """
        if not pieces:
            return
        count = max(1, min(self.gain.workers, len(pieces)))
        work = _Work(self, _pickled(function), pieces)
        threads = [
            Thread(target=work.carry_out, daemon=True, name=f"worker-{n}") for n in range(count)
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in pieces:
                answer = work.answers.get()
                piece = pieces[answer.number]
                if answer.error is not None:
                    raise answer.error
                if answer.outcome is None:
                    yield piece, function(piece)
                else:
                    yield piece, _result(answer.outcome)
        finally:
            work.stop()
            for thread in threads:
                thread.join()

    def take(self) -> Worker:
        """A worker that has nothing to do. Raises ForkServerGoneError."""
        with suppress(IndexError):
            return self._idle.pop()
        return self._server.worker()

    def give_back(self, worker: Worker) -> None:
        """Keeps a worker for whatever comes next."""
        self._idle.append(worker)

    def note_death(self, worker: Worker) -> None:
        """Says that a worker died at work."""
        self._say(f"worker process {worker.pid} ended at work; what it was doing is done again")

    def note_end(self, why: str) -> None:
        """There will be no more workers."""
        if self.gain.workers:
            self.gain.workers = 0
            self._say(f"{why}; this one goes on alone")


@dataclass
class _Work:
    """Pieces that several threads have done, each by a worker of its own."""

    workers: ForkedWorkers
    function: bytes
    pieces: Sequence[Any]
    answers: SimpleQueue[_Answer] = field(default_factory=SimpleQueue)
    _deaths: Counter[int] = field(default_factory=Counter)
    _busy: set[Worker] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _stopped: bool = False

    def __post_init__(self) -> None:
        self._waiting = deque(range(len(self.pieces)))

    def stop(self) -> None:
        """Nobody waits any more for what is not finished."""
        with self._lock:
            self._stopped = True
            self._waiting.clear()
            for worker in self._busy:
                worker.kill()

    def carry_out(self) -> None:
        """What a thread does: one piece after the other, until none is left."""
        worker: Worker | None = None
        while (number := self._next()) is not None:
            try:
                if worker is None:
                    worker = self._begun()
                outcome = _asked(worker, _PIECE, _pickled(self.pieces[number]))
            except ForkServerGoneError as error:
                self.workers.note_end(str(error))
                self.answers.put(_Answer(number))
            except (EOFError, OSError):
                self._take_back(worker, number)
                worker = None
            except Exception as error:  # noqa: BLE001 -- whoever waits for the piece raises it
                if worker is not None:
                    # what it may still say would be taken for the answer to another piece
                    with self._lock:
                        worker.kill()
                        self._drop(worker)
                    worker = None
                self.answers.put(_Answer(number, error=error))
            else:
                self.answers.put(_Answer(number, outcome))
        if worker is not None:
            with self._lock:
                self._busy.discard(worker)
                # one that was just told to end has nothing more to do for anybody
                if not self._stopped:
                    self.workers.give_back(worker)

    def _next(self) -> int | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _begun(self) -> Worker:
        """A worker that knows what is to be done with pieces. Raises ForkServerGoneError."""
        while True:
            worker = self.workers.take()
            with self._lock:
                self._busy.add(worker)
                if self._stopped:
                    worker.kill()
            try:
                worker.connection.send_bytes(_FUNCTION)
                worker.connection.send_bytes(self.function)
            except OSError:
                # it died while it had nothing to do, of which no piece is the cause
                with self._lock:
                    self._drop(worker)
                    if self._stopped:
                        raise
            else:
                return worker

    def _drop(self, worker: Worker) -> None:
        self._busy.discard(worker)
        worker.connection.close()

    def _take_back(self, worker: Worker | None, number: int) -> None:
        """A piece whose worker has died waits again, unless it has ended too many."""
        with self._lock:
            if worker is not None:
                self._drop(worker)
            if self._stopped:
                return
            self._deaths[number] += 1
            is_fatal = self._deaths[number] >= _DEATHS
            if not is_fatal:
                self._waiting.appendleft(number)
        if worker is not None:
            self.workers.note_death(worker)
        if is_fatal:
            self.answers.put(_Answer(number, error=_fatal()))


def serve_pieces(connection: Connection) -> None:
    """What a worker does: the function that it was told, to each piece that it is given."""
    function: Callable[[Any], Any] | None = None
    with suppress(EOFError, ConnectionError):
        while True:
            kind, data = connection.recv_bytes(), connection.recv_bytes()
            if kind == _FUNCTION:
                function = pickle.loads(data)  # noqa: S301 -- from the process that it is a copy of
                continue
            assert function is not None
            outcome = _outcome(function, data)
            connection.send_bytes(outcome)
            if len(outcome) + len(data) > LARGE_BYTES:
                del data, outcome
                give_back_memory()


def _outcome(function: Callable[[Any], Any], data: bytes) -> bytes:
    """Whether it went well, and the result or else the error, pickled."""
    try:
        return _pickled((True, function(pickle.loads(data))))  # noqa: S301 -- as above
    except Exception as error:  # noqa: BLE001 -- whoever waits for the piece raises it
        error.add_note("".join(traceback.format_exception(error)))
        return _pickled((False, _portable(error)))


def _portable(error: Exception) -> Exception:
    """The error, or one that says the same where it cannot be sent."""
    try:
        pickle.loads(_pickled(error))  # noqa: S301 -- our own
    except Exception:  # noqa: BLE001 -- whatever its class does when it is taken apart
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _asked(worker: Worker, kind: bytes, data: bytes) -> bytes:
    worker.connection.send_bytes(kind)
    worker.connection.send_bytes(data)
    return worker.connection.recv_bytes()


def _result(outcome: bytes) -> Any:
    went_well, value = pickle.loads(outcome)  # noqa: S301 -- from a copy of this process
    if not went_well:
        raise value
    return value


def _pickled(value: object) -> bytes:
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def _fatal() -> WorkersDiedError:
    return WorkersDiedError(
        f"a chunk of work ended {_DEATHS} worker processes one after the other (too little memory, "
        "or a fault of a library): make execution.tiers.chunk_bytes smaller, or set "
        "ORCHESTRATION_DASK=threads to work without processes; then run again"
    )
