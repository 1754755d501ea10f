"""Messages to Kafka, answered once they are durable: one producer for all requests, one thread that hears its answers.

The producer does not number its messages (no idempotence): a repeat on the broker or another order harms nobody here,
since BILL repeats and reorders its notifications itself; in exchange no error of it is fatal.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tieout.log.clients import KafkaAccess
from tieout.log.produce import Outgoing

# Gathers what arrives together; seen by BILL as so much delay. Less costs the broker and us a request for almost every
# notification, and then a burst takes longer as a whole.
LINGER_MS: Final = 2
# A broker that is back is used after so long at most: BILL's repeats come after 2, 4, 8 and 16 seconds.
RECONNECT_MS: Final = 1_000
# How long the thread waits for an answer, and so how late it notices that it is to end.
POLL_SECONDS: Final = 0.2
FLUSH_SECONDS: Final = 2.0
STOP_SECONDS: Final = 5.0


class Full(Exception):
    """The producer's queue is full: Kafka is slower than BILL. Refuse, and BILL comes again."""


class _Waiting:
    """What one request waits for."""

    __slots__ = ("error", "future", "left")

    def __init__(self, future: "asyncio.Future[None]", left: int) -> None:
        self.future = future
        self.left = left
        self.error: KafkaError | None = None

    def settle(self) -> None:
        """Tell the request, unless it has given up."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(KafkaException(self.error))


class Deliveries:
    """Start it and use it from the event loop. ``failed`` is called there if the thread has ended by an error."""

    def __init__(self, access: KafkaAccess, within: float, failed: Callable[[BaseException], None]) -> None:
        self._producer = Producer(settings(access, within))
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._settled: list[_Waiting] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deliveries", daemon=True)

    def start(self) -> None:
        """Begin to hear answers."""
        self._thread.start()

    def send(self, messages: Sequence[Outgoing]) -> "asyncio.Future[None]":
        """Hand messages over; the future is done once every one of them is on all replicas.

        It ends with KafkaException if one is not; then none may be held as stored, though some may be.

        Raises:
            Full: not taken.
        """
        waiting = _Waiting(self._loop.create_future(), len(messages))
        for message in messages:
            try:
                self._producer.produce(
                    message.topic,
                    value=message.value,
                    key=message.key,
                    partition=message.partition,
                    headers=message.headers,
                    on_delivery=partial(self._report, waiting, message.delivered),
                )
            except BufferError:
                raise Full("the producer's queue is full") from None
        return waiting.future

    def stop(self) -> None:
        """Blocking: wait a moment for what is under way, and end the thread."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)

    def _report(
        self, waiting: _Waiting, delivered: Callable[[int], None] | None, error: KafkaError | None, message: Message
    ) -> None:
        """In the thread: one message's answer."""
        if error is not None:
            waiting.error = error
        elif delivered is not None:
            delivered(message.offset() or 0)
        waiting.left -= 1
        if waiting.left == 0:
            self._settled.append(waiting)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._producer.poll(POLL_SECONDS)
                self._hand_over()
            self._producer.flush(FLUSH_SECONDS)
            self._hand_over()
        except BaseException as error:
            self._loop.call_soon_threadsafe(self._failed, error)
            raise

    def _hand_over(self) -> None:
        """Wake the event loop once for all answers that came together."""
        if self._settled:
            settled, self._settled = self._settled, []
            self._loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: list[_Waiting]) -> None:
    for waiting in settled:
        waiting.settle()


def settings(access: KafkaAccess, within: float) -> dict[str, Any]:
    """The producer's settings; nothing is kept for longer than somebody waits for it."""
    return access.producer() | {
        "enable.idempotence": False,
        "linger.ms": LINGER_MS,
        "message.timeout.ms": int(within * 1000),
        "request.timeout.ms": int(within * 1000),
        "reconnect.backoff.max.ms": RECONNECT_MS,
        "queue.buffering.max.messages": 20_000,
        "queue.buffering.max.kbytes": 128 * 1024,
    }
