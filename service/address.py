"""The address of the service, checked before it says that it is serving."""

import socket

from gunicorn.util import parse_address

from features_pkg.errors import OntemError


class AddressUnusable(OntemError):
    """The service can't listen on the address that it was given."""

    def __init__(self, *, address: str, reason: str) -> None:
        super().__init__(
            f"the service can't listen on {address} ({reason}): stop the program that uses it, or "
            "name another HOST:PORT with --bind"
        )
        self.address, self.reason = address, reason


def check_address(address: str) -> None:
    """Raise AddressUnusable unless a server can listen on HOST:PORT now.

    An inherited socket (`fd://3`) and a path (`unix:/run/ontem.sock`) are left to gunicorn.
    """
    try:
        parsed = parse_address(address, default_port="")  # gunicorn's own, 8000, is not ours
    except RuntimeError:
        raise AddressUnusable(address=repr(address), reason="it is not HOST:PORT") from None
    if not isinstance(parsed, tuple):
        return
    host, _ = parsed
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn's own
        try:
            probe.bind(parsed)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise AddressUnusable(address=address, reason=reason) from None
