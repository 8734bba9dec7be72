"""Readers of the online store that go on whatever happens to loads."""

import random
import threading
from collections.abc import Mapping
from datetime import timedelta

from stores.redis.keys import Namespace
from stores.redis.reader import OnlineReader, OnlineReadFailed

FAR_DAY = 800_000
"""The newest load serves it, if loads of any age may."""


class Readers:
    """Threads that read ten entities at a time, and note what they read of which load.

    `expected` has what each load says of every entity.
    """

    def __init__(self, url: str, namespace: Namespace, threads: int = 1) -> None:
        self._url, self._namespace = url, namespace
        self.expected: dict[int, Mapping[bytes, bytes]] = {}
        self.seen: set[int] = set()
        self.reads, self.mixed = 0, 0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(number,)) for number in range(threads)
        ]

    def __enter__(self) -> "Readers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, seed: int) -> None:
        choose = random.Random(seed)  # noqa: S311  no secret
        while not self.expected:
            self._stop.wait(0.01)
        keys = list(next(iter(self.expected.values())))
        reader = None
        while not self._stop.is_set():
            try:
                if reader is None:
                    reader = OnlineReader(self._url, self._namespace, timeout=timedelta(seconds=30))
                    reader.connect()
                reader.send(choose.sample(keys, 10))
                read = reader.receive(FAR_DAY, 10**6)
            except OnlineReadFailed:  # Redis is down
                reader = None
                continue
            expected = self.expected[read.load.load_id]
            self.reads += 1
            self.mixed += any(expected[key] != found for key, found in read.timelines.items())
            self.seen.add(read.load.load_id)
