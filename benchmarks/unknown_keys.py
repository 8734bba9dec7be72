"""Clients that go on with keys which nobody has, each as fast as it is refused."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Final

from benchmarks.load import Target
from stores.postgres.api_keys import ApiKey

BODY: Final = b'{"order_id":"none","amount_cents":1}'


@contextmanager
def unknown_keys(port: int, number: int) -> Iterator[None]:
    """Inside, so many connections send one request after the other, by a process of their own."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    sender = context.Process(target=_send, args=(theirs, port, number))
    sender.start()
    try:
        ours.recv()  # the first answer of each is there
        yield
    finally:
        ours.send("stop")
        sender.join()


def _send(pipe: Pipe, port: int, number: int) -> None:
    asyncio.run(_send_until(pipe, port, number))


async def _send_until(pipe: Pipe, port: int, number: int) -> None:
    began = [asyncio.Event() for _ in range(number)]
    clients = [asyncio.create_task(_client(port, each)) for each in began]
    for each in began:
        await each.wait()
    pipe.send("began")
    while not pipe.poll():
        await asyncio.sleep(0.1)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


async def _client(port: int, began: asyncio.Event) -> None:
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while True:
                writer.write(Target(port, ApiKey.new().text).request(BODY))
                await _answer(reader)
                began.set()
        except (asyncio.IncompleteReadError, OSError):
            began.set()  # it was closed: it comes again
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n", 1)[0]))
