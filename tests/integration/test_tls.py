"""Servers with certificates of one's own: what a URL says of them holds for all that connects."""

from datetime import timedelta
from urllib.parse import quote, urlsplit, urlunsplit

import pytest

from stores.postgres.connection import PostgresUnavailable, connect
from stores.redis.connection import RedisUnavailable, connect_redis
from stores.redis.keys import Namespace
from stores.redis.reader import OnlineReader, OnlineReadFailed
from stores.settings import Settings
from tests.redis_cluster import a_cluster_of_one
from tests.redis_server import free_port
from tests.tls import make_certificates, tls_server

NAMESPACE = Namespace("timelines", "key id")
TIMEOUT = timedelta(seconds=30)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """In a folder whose name has to be quoted in a URL."""
    return make_certificates(tmp_path_factory.mktemp("São Paulo & co"))


def at_port(url, port, **options):
    """`url` at another port of this machine, with options."""
    parts = urlsplit(url)
    login, _, _ = parts.netloc.rpartition("@")
    query = "&".join(f"{name}={quote(str(value))}" for name, value in options.items())
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}", query=query))


def in_settings(postgres_url="postgresql://u@h/x", redis_url="redis://h"):
    """Both URLs, as a process reads them."""
    environ = {
        "ONTEM_POSTGRES_URL": postgres_url,
        "ONTEM_REDIS_URL": redis_url,
        "ONTEM_STORAGE_URL": "file:///storage",
        "ONTEM_ENTITY_KEY": "0a" * 32,
    }
    settings = Settings.from_environ(environ)
    return settings.postgres_url, settings.redis_url


def redis_over_tls(redis_url, port, **options):
    url = at_port(redis_url, port, **options).replace("redis://", "rediss://")
    return in_settings(redis_url=url)[1]


def test_redis_is_reached_by_an_authority_of_its_own_and_by_no_other(redis_url, certificates):
    with tls_server(urlsplit(redis_url).port, certificates) as port:
        good = redis_over_tls(redis_url, port, ssl_ca_certs=certificates.authority)
        with connect_redis(good) as client:
            client.set("k", "v")
        for bad in (
            redis_over_tls(redis_url, port, ssl_ca_certs=certificates.stranger),
            redis_over_tls(redis_url, port),
            redis_over_tls(redis_url, port, ssl_ca_certs=certificates.authority).replace(
                "127.0.0.1", "localhost"
            ),
        ):
            with pytest.raises(RedisUnavailable, match="certificate verify failed"):
                connect_redis(bad)


def test_a_redis_that_asks_for_a_certificate_gets_the_one_in_the_url(redis_url, certificates):
    certificate, key = certificates.client
    with tls_server(urlsplit(redis_url).port, certificates, mutual=True) as port:
        options = {"ssl_ca_certs": certificates.authority}
        with pytest.raises(RedisUnavailable):
            connect_redis(redis_over_tls(redis_url, port, **options))
        shown = options | {"ssl_certfile": certificate, "ssl_keyfile": key}
        with connect_redis(redis_over_tls(redis_url, port, **shown)) as client:
            assert client.ping()


def test_the_reader_of_a_request_speaks_tls_as_well(redis_url, certificates):
    with tls_server(urlsplit(redis_url).port, certificates) as port:
        url = redis_over_tls(redis_url, port, ssl_ca_certs=certificates.authority)
        reader = OnlineReader(url, NAMESPACE, timeout=TIMEOUT)
        reader.connect()
        reader.send([bytes(24)])
        with pytest.raises(OnlineReadFailed, match="no list"):  # which an empty Redis answers
            reader.receive(due_day=1, max_stale_days=0)
        reader.close()

        stranger = redis_over_tls(redis_url, port, ssl_ca_certs=certificates.stranger)
        with pytest.raises(OnlineReadFailed, match="ConnectionError"):
            OnlineReader(stranger, NAMESPACE, timeout=TIMEOUT).connect()


def test_the_nodes_of_a_cluster_are_reached_as_the_url_says(tmp_path, certificates):
    behind = free_port()
    with (
        tls_server(behind, certificates) as port,
        a_cluster_of_one(tmp_path / "node", "--cluster-announce-port", f"{port}", port=behind),
    ):
        good, strange = (
            redis_over_tls(f"redis://h:{port}/0", port, ssl_ca_certs=authority, cluster="yes")
            for authority in (certificates.authority, certificates.stranger)
        )
        with connect_redis(good) as client:
            client.set("k", "v")
        with pytest.raises(RedisUnavailable, match="certificate verify failed"):
            connect_redis(strange)

        reader = OnlineReader(good, NAMESPACE, timeout=TIMEOUT)
        reader.connect()
        reader.send([bytes(24)])
        with pytest.raises(OnlineReadFailed, match="no list"):  # which an empty Redis answers
            reader.receive(due_day=1, max_stale_days=0)
        reader.close()
        with pytest.raises(OnlineReadFailed, match="ConnectionError"):
            OnlineReader(strange, NAMESPACE, timeout=TIMEOUT).connect()


def postgres_over_tls(url, port, **options):
    return in_settings(postgres_url=at_port(url, port, **options))[0]


def session_answer(url):
    with connect(url, application_name="test") as connection:
        return [row[0] for row in connection.execute("SELECT 41 + 1")]


def test_postgresql_is_verified_by_the_authority_of_the_url(empty_database_url, certificates):
    with tls_server(urlsplit(empty_database_url).port, certificates, postgres=True) as port:
        own, stranger = certificates.authority, certificates.stranger
        for mode, authority in (("verify-full", own), ("verify-ca", own), ("require", own)):
            url = postgres_over_tls(empty_database_url, port, sslmode=mode, sslrootcert=authority)
            assert session_answer(url) == [42]
        for mode in ("verify-full", "verify-ca", "require"):
            url = postgres_over_tls(empty_database_url, port, sslmode=mode, sslrootcert=stranger)
            with pytest.raises(PostgresUnavailable):
                session_answer(url)


def test_who_turns_tls_off_in_the_url_is_not_connected(empty_database_url, certificates):
    with tls_server(urlsplit(empty_database_url).port, certificates, postgres=True) as port:
        url = postgres_over_tls(empty_database_url, port, sslmode="disable")
        with pytest.raises(PostgresUnavailable):
            session_answer(url)


def test_a_postgresql_that_asks_for_a_certificate_gets_the_one_in_the_url(
    empty_database_url, certificates
):
    certificate, key = certificates.client
    key.chmod(0o600)
    port_behind = urlsplit(empty_database_url).port
    with tls_server(port_behind, certificates, postgres=True, mutual=True) as port:
        options = {"sslmode": "verify-full", "sslrootcert": certificates.authority}
        with pytest.raises(PostgresUnavailable):
            session_answer(postgres_over_tls(empty_database_url, port, **options))
        url = postgres_over_tls(
            empty_database_url, port, **options, sslcert=certificate, sslkey=key
        )
        assert session_answer(url) == [42]
