"""A port that is taken is told before anything says that it serves."""

import socket

import pytest

from service.address import AddressUnusable, check_address


def test_a_port_that_another_program_listens_on_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(AddressUnusable, match=rf"can't listen on {address} \(.* --bind"):
            check_address(address)

    check_address(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:http", "127.0.0.1:70000", "192.0.2.1:8080", "no.such.invalid:80"]
)
def test_an_address_of_another_machine_or_of_none_is_refused(address: str) -> None:
    with pytest.raises(AddressUnusable, match="can't listen on"):
        check_address(address)


@pytest.mark.parametrize(
    "address", ["", "localhost", "8080", "127.0.0.1", "[::1]", "127.0.0.1:http"]
)
def test_an_address_without_a_port_is_refused(address: str) -> None:
    with pytest.raises(AddressUnusable, match="it is not HOST:PORT"):
        check_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "fd://3", "unix:/run/ontem.sock"])
def test_a_free_port_and_what_is_inherited_pass(address: str) -> None:
    check_address(address)
