from collections.abc import Iterator

import pytest

from tests.fakes.smtp_server import SmtpServer, running_smtp_server


@pytest.fixture(scope="package")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    """A server without encryption and login, which takes 1 MB at most."""
    with running_smtp_server(tmp_path_factory.mktemp("plain"), size=1_000_000) as server:
        yield server


@pytest.fixture(scope="package")
def starttls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    """A server with STARTTLS and login, which takes addresses beyond ASCII."""
    with running_smtp_server(tmp_path_factory.mktemp("starttls"), "starttls", login=True, utf8=True) as server:
        yield server


@pytest.fixture(scope="package")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    """A server with TLS from the start, and login."""
    with running_smtp_server(tmp_path_factory.mktemp("tls"), "tls", login=True) as server:
        yield server


@pytest.fixture
def plain(plain_server: SmtpServer) -> SmtpServer:
    return _as_new(plain_server)


@pytest.fixture
def starttls(starttls_server: SmtpServer) -> SmtpServer:
    return _as_new(starttls_server)


@pytest.fixture
def tls(tls_server: SmtpServer) -> SmtpServer:
    return _as_new(tls_server)


def _as_new(server: SmtpServer) -> SmtpServer:
    server.forget()
    server.behave()
    return server
