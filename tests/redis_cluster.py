"""Redis clusters: of three primaries with a replica each, and of one server."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import redis

from tests.redis_server import RedisServer

PRIMARIES = 3
SLOTS = 16_384
NODE_TIMEOUT_MS = 2_000
WAIT_SECONDS = 60.0
FAILOVER_SECONDS = 6.0


class Cluster:
    """Its servers, primaries first."""

    def __init__(self, servers: list[RedisServer]) -> None:
        self.servers = servers

    @property
    def url(self) -> str:
        """As a process is told of it: any node, and that it is a cluster."""
        return f"redis://127.0.0.1:{self.servers[-1].port}/0?cluster=yes"

    def form(self) -> None:
        """Give each primary a third of the slots, and a replica; return when all is well."""
        nodes = [redis.Redis.from_url(server.url) for server in self.servers]
        bounds = [SLOTS * number // PRIMARIES for number in range(PRIMARIES + 1)]
        for node, (first, end) in zip(nodes, pairwise(bounds), strict=False):
            node.execute_command("CLUSTER ADDSLOTS", *range(first, end))
        for number, node in enumerate(nodes):
            node.execute_command("CLUSTER SET-CONFIG-EPOCH", number + 1)
        for server in self.servers[1:]:
            nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", server.port)
        wait_until(lambda: all(int(info(n, "cluster_known_nodes")) == 6 for n in nodes))
        ids = [text(node.execute_command("CLUSTER MYID")) for node in nodes]
        for number in range(PRIMARIES):
            replicate = ("CLUSTER REPLICATE", ids[number])
            wait_until(lambda number=number, words=replicate: knows(nodes[3 + number], *words))
        wait_until(lambda: all(info(node, "cluster_state") == "ok" for node in nodes))
        for replica in nodes[PRIMARIES:]:
            wait_until(
                lambda node=replica: node.info("replication").get("master_link_status") == "up"
            )
        for node in nodes:
            node.close()

    def wait_for_failover(self, killed: RedisServer) -> None:
        """Return when all nodes that live say that the cluster has all its slots again."""
        alive = [server for server in self.servers if server is not killed]
        nodes = [redis.Redis.from_url(server.url) for server in alive]
        wait_until(lambda: sum(node.info("replication")["role"] == "master" for node in nodes) == 3)
        wait_until(lambda: all(info(node, "cluster_state") == "ok" for node in nodes))
        for node in nodes:
            node.close()


@contextmanager
def a_cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster that is up."""
    with ExitStack() as stack:
        servers = []
        for number in range(2 * PRIMARIES):
            server = RedisServer(
                folder / f"node{number}", "--cluster-enabled", "yes",
                "--cluster-node-timeout", f"{NODE_TIMEOUT_MS}",
            )  # fmt: skip
            stack.callback(server.remove)
            server.start()
            servers.append(server)
        cluster = Cluster(servers)
        cluster.form()
        yield cluster


@contextmanager
def a_cluster_of_one(folder: Path, *options: str, port: int | None = None) -> Iterator[RedisServer]:
    """A server that is a cluster by itself: it has all slots."""
    server = RedisServer(folder, "--cluster-enabled", "yes", *options, port=port)
    try:
        server.start()
        with redis.Redis.from_url(server.url) as node:
            node.execute_command("CLUSTER ADDSLOTS", *range(SLOTS))
            wait_until(lambda: info(node, "cluster_state") == "ok")
        yield server
    finally:
        server.remove()


def knows(node: "redis.Redis", *words: str) -> bool:
    """Whether the node took the command; it does not while it has not met the other one."""
    try:
        node.execute_command(*words)
    except redis.ResponseError:
        return False
    return True


def info(node: "redis.Redis", name: str) -> str:
    """One line of CLUSTER INFO."""
    found: Any = node.execute_command("CLUSTER INFO")
    if isinstance(found, dict):
        return str(found[name])
    lines = dict(line.split(":", 1) for line in text(found).splitlines() if ":" in line)
    return lines[name]


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def make_lead(replica: "redis.Redis") -> None:
    """Let a replica take its primary's place, as an operator does.

    Redis gives up after five seconds, in which a busy machine may not get to it: it is told again.
    """
    told_at = -FAILOVER_SECONDS

    def leads() -> bool:
        nonlocal told_at
        if replica.info("replication")["role"] == "master":
            return True
        if time.monotonic() - told_at > FAILOVER_SECONDS:
            knows(replica, "CLUSTER FAILOVER")
            told_at = time.monotonic()
        return False

    wait_until(leads)


def wait_until(holds: Callable[[], object]) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < until, "the cluster is not as it should be"
        time.sleep(0.05)
