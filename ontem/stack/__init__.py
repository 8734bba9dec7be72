"""A real PostgreSQL and a real Redis on this machine's loopback, without Docker."""

from ontem.stack.local import LocalStack
from ontem.stack.server import ServerStatus

__all__ = ["LocalStack", "ServerStatus"]
