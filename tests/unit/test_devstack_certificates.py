"""The throw-away certificate authority."""

import socket
import ssl
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tieout_devstack import certificates


def handshake(server: certificates.ServerCertificate, client: ssl.SSLContext, host: str) -> str | None:
    """What a client that wants `host` sees: None when it accepts, else why not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            accepted, _ = listener.accept()
            accepted.settimeout(10)
            try:
                with server.context().wrap_socket(accepted, server_side=True) as tls:
                    tls.recv(1)
            except OSError:
                accepted.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=10) as plain,
                client.wrap_socket(plain, server_hostname=host) as tls,
            ):
                tls.send(b"x")
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        else:
            return None
        finally:
            thread.join(timeout=20)


def test_clients_that_trust_it_accept_its_servers(tmp_path: Path) -> None:
    """Names localhost and 127.0.0.1 verify strictly against the authority, and against no other trust."""
    authority = certificates.authority(tmp_path)
    server = authority.issue("entra")
    strict = authority.client_context()
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    assert handshake(server, strict, "localhost") is None
    assert handshake(server, strict, "127.0.0.1") is None
    assert handshake(server, strict, "example.com") is not None
    assert handshake(server, ssl.create_default_context(), "localhost") is not None


def test_it_is_good_for_this_machine_only(tmp_path: Path) -> None:
    """A certificate for any other name is worthless, even where the authority is trusted by mistake."""
    authority = certificates.authority(tmp_path)
    other = authority.issue("bank", hosts=("bank.example.com",))
    assert "permitted subtree" in str(handshake(other, authority.client_context(), "bank.example.com"))


def test_keys_are_private(tmp_path: Path) -> None:
    """Keys are readable by their owner alone."""
    authority = certificates.authority(tmp_path)
    server = authority.issue("entra")
    assert [stat.S_IMODE(key.stat().st_mode) for key in (authority.key, server.key)] == [0o600, 0o600]


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    """Clients that loaded the authority yesterday still trust today's servers."""
    before = certificates.authority(tmp_path).issue("entra").certificate.read_bytes()
    assert certificates.authority(tmp_path).issue("entra").certificate.read_bytes() == before
    other_hosts = certificates.authority(tmp_path).issue("entra", hosts=("localhost",))
    assert other_hosts.certificate.read_bytes() != before


def test_a_certificate_of_another_authority_is_replaced(tmp_path: Path) -> None:
    """After somebody removed the authority the servers get certificates that fit the new one."""
    old = certificates.authority(tmp_path)
    old.issue("entra")
    old.certificate.unlink()
    authority = certificates.authority(tmp_path)
    assert handshake(authority.issue("entra"), authority.client_context(), "localhost") is None


def test_what_is_near_its_end_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack of last year starts with certificates that will last, and that fit each other."""
    with monkeypatch.context() as short:
        short.setattr(certificates, "_LIFE", timedelta(days=13))
        old = certificates.authority(tmp_path)
        stale = old.issue("entra").certificate.read_bytes()
        old_authority = old.certificate.read_bytes()
    authority = certificates.authority(tmp_path)
    server = authority.issue("entra")
    assert authority.certificate.read_bytes() != old_authority
    assert server.certificate.read_bytes() != stale
    assert handshake(server, authority.client_context(), "localhost") is None
