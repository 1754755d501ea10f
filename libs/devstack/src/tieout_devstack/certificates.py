"""A throw-away certificate authority for servers on this machine, and certificates it signs.

The authority is good for localhost and loopback addresses only (name constraints), so that a stolen key of it harms
nobody who trusts it by mistake.
"""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tieout_devstack.files import write_atomically

DEFAULT_NAMES = ("localhost", "127.0.0.1", "::1")

_LIFE = timedelta(days=365)
# A stack started with less than this left would see its certificates end while it runs.
_RENEW_BEFORE = timedelta(days=14)
# Clocks of containers and hosts differ by seconds.
_BACKDATE = timedelta(minutes=5)


@dataclass(frozen=True)
class ServerCertificate:
    """Files a TLS server loads: its certificate and its unencrypted key (mode 0600), both PEM."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """A server's TLS context."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True)
class Authority:
    """The authority in a folder; `certificate` (PEM) is what a client trusts."""

    certificate: Path
    key: Path

    def client_context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def issue(self, name: str, *, hosts: tuple[str, ...] = DEFAULT_NAMES) -> ServerCertificate:
        """A server certificate, kept as `<name>.pem` and `<name>.key` beside the authority.

        Issued anew when it is missing, of an earlier authority, for other hosts, or near its end. Hosts outside
        localhost and the loopback addresses are signed, but no client accepts them.
        """
        made = ServerCertificate(self.certificate.with_name(f"{name}.pem"), self.certificate.with_name(f"{name}.key"))
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        alternatives = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        if _still_good(made.certificate, made.key, authority, alternatives):
            return made
        signer = serialization.load_pem_private_key(self.key.read_bytes(), None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.key} is not an elliptic curve key")
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(hosts[0], authority.subject, key.public_key(), ends=authority.not_valid_after_utc)
            .add_extension(alternatives, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, hashes.SHA256())
        )
        _write(made.certificate, made.key, certificate, key)
        return made


def authority(folder: Path) -> Authority:
    """The authority of a folder, made anew when it is missing or near its end; `issue` then signs anew, too."""
    made = Authority(folder / "ca.pem", folder / "ca.key")
    if _still_good(made.certificate, made.key, None, None):
        return made
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Tieout throw-away CA")
    loopback = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
        x509.IPAddress(ipaddress.ip_network("::1/128")),
    ]
    certificate = (
        _builder("Tieout throw-away CA", name, key.public_key(), ends=datetime.now(UTC) + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(loopback, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(made.certificate, made.key, certificate, key)
    return made


def _builder(
    subject: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - _BACKDATE)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _still_good(
    certificate: Path, key: Path, issuer: x509.Certificate | None, names: x509.SubjectAlternativeName | None
) -> bool:
    """Whether both files are there, the certificate is signed by the issuer for these names, and will last."""
    if not certificate.is_file() or not key.is_file():
        return False
    known = x509.load_pem_x509_certificate(certificate.read_bytes())
    if known.not_valid_after_utc < datetime.now(UTC) + _RENEW_BEFORE:
        return False
    if issuer is None or names is None:
        return True
    signed_by = known.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    issuers = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.key_identifier
    return signed_by == issuers and known.extensions.get_extension_for_class(x509.SubjectAlternativeName).value == names


def _write(certificate: Path, key: Path, signed: x509.Certificate, private: ec.EllipticCurvePrivateKey) -> None:
    pem, pkcs8, open_key = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    write_atomically(key, private.private_bytes(pem, pkcs8, open_key))
    write_atomically(certificate, signed.public_bytes(pem), mode=0o644)


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
