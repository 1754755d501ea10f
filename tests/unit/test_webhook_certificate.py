"""The certificate that BILL sees, and its renewal."""

import os
import shutil
import ssl
from pathlib import Path

import pytest

from tieout.observability.settings import WrongSettings, from_environment
from tieout_devstack import certificates
from tieout_webhook_ingest.certificate import Certificate, WrongCertificate
from tieout_webhook_ingest.settings import IngestSettings

BASE = {"TIEOUT_KAFKA_BOOTSTRAP": "127.0.0.1:1", "TIEOUT_DATABASE_URL": "postgresql://x/y"}


@pytest.fixture
def issued(tmp_path: Path) -> certificates.ServerCertificate:
    """A certificate of a throw-away authority."""
    return certificates.authority(tmp_path / "ca").issue("server")


def replace(old: Path, new: Path) -> None:
    """Put another file in place, with a time that differs even on coarse file systems."""
    shutil.copyfile(new, old)
    stamp = old.stat().st_mtime_ns + 1_000_000_000
    os.utime(old, ns=(stamp, stamp))


def shakes_hands(certificate: Certificate, trusted: certificates.Authority) -> bool:
    """Whether a client that trusts this authority alone gets through to the server."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = certificate.context.wrap_bio(to_server, to_client, server_side=True)
    client = trusted.client_context().wrap_bio(to_client, to_server, server_hostname="localhost")
    for _ in range(4):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return client.version() is not None and bool(client.getpeercert())


def test_a_renewed_certificate_is_used_without_a_restart(
    tmp_path: Path, issued: certificates.ServerCertificate
) -> None:
    """Only once the files have changed."""
    certificate = Certificate(issued.certificate, issued.key)
    first, second = certificates.authority(tmp_path / "ca"), certificates.authority(tmp_path / "other")
    assert not certificate.renew()
    other = second.issue("server")
    replace(issued.key, other.key)
    replace(issued.certificate, other.certificate)
    assert (shakes_hands(certificate, first), shakes_hands(certificate, second)) == (True, False)
    assert certificate.renew()
    assert (shakes_hands(certificate, first), shakes_hands(certificate, second)) == (False, True)
    assert not certificate.renew()


def test_a_half_written_renewal_is_refused_and_tried_again(
    tmp_path: Path, issued: certificates.ServerCertificate
) -> None:
    """The old certificate goes on until both files fit."""
    certificate = Certificate(issued.certificate, issued.key)
    other = certificates.authority(tmp_path / "other").issue("server")
    replace(issued.certificate, other.certificate)
    for _ in range(2):
        with pytest.raises(WrongCertificate, match=r"server\.pem"):
            certificate.renew()
        assert shakes_hands(certificate, certificates.authority(tmp_path / "ca"))
    replace(issued.key, other.key)
    assert certificate.renew()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The operator sees which file, before anything is started."""
    with pytest.raises(WrongCertificate, match=r"none\.pem.*No such file"):
        Certificate(tmp_path / "none.pem", tmp_path / "none.key")


def test_plain_http_needs_its_own_word() -> None:
    """Nobody serves webhooks without TLS by forgetting two settings."""
    with pytest.raises(WrongSettings, match=r"TIEOUT_TLS_ENDS_BEFORE.*TIEOUT_TLS_CERTIFICATE_FILE"):
        from_environment(IngestSettings, BASE)
    with pytest.raises(WrongSettings, match="TIEOUT_TLS_ENDS_BEFORE"):
        from_environment(IngestSettings, BASE | {"TIEOUT_TLS_CERTIFICATE_FILE": "a.pem"})
    both = {"TIEOUT_TLS_CERTIFICATE_FILE": "a.pem", "TIEOUT_TLS_KEY_FILE": "a.key"}
    with pytest.raises(WrongSettings, match="leave either out"):
        from_environment(IngestSettings, BASE | both | {"TIEOUT_TLS_ENDS_BEFORE": "true"})
    assert from_environment(IngestSettings, BASE | both).tls_certificate_file == Path("a.pem")
    assert from_environment(IngestSettings, BASE | {"TIEOUT_TLS_ENDS_BEFORE": "true"}).tls_ends_before


def test_an_answer_cannot_be_set_later_than_bill_waits() -> None:
    """BILL gives up after ten seconds; an answer after that counts as none."""
    with pytest.raises(WrongSettings, match="TIEOUT_ANSWER_WITHIN"):
        from_environment(IngestSettings, BASE | {"TIEOUT_TLS_ENDS_BEFORE": "true", "TIEOUT_ANSWER_WITHIN": "10"})
