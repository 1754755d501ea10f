"""Give Java the certificate authorities that Python trusts.

A company's proxy signs what passes with an authority of its own. Python and uv learn of it through SSL_CERT_FILE or the
system; a Java that does not belong to the system, such as the one inside a wheel, does not.
"""

import re
import ssl
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.utils import CryptographyDeprecationWarning

from tieout_devstack.files import write_atomically

# Java wants a password; what it protects is public.
_PASSWORD = "changeit"  # noqa: S105

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\s", re.DOTALL)
_STORE = "-Djavax.net.ssl.trustStore="


def java_trusts_as_python(store: Path, java_options: str) -> str | None:
    """Java's options with a trust store, written to `store`, of what Python trusts.

    None where that would not help: the options name a store already, or Python finds no authority on this machine.
    """
    found = [] if _STORE in java_options else _authorities()
    if not found:
        return None
    entries = [PKCS12Certificate(certificate, str(number).encode()) for number, certificate in enumerate(found)]
    write_atomically(store, serialize_java_truststore(entries, BestAvailableEncryption(_PASSWORD.encode())))
    return f"{java_options} {_STORE}{store} -Djavax.net.ssl.trustStorePassword={_PASSWORD}".strip()


def _authorities() -> list[x509.Certificate]:
    """Every authority in OpenSSL's file, else in its folder; SSL_CERT_FILE and SSL_CERT_DIR name others."""
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if not files and paths.capath:
        files = sorted(path for path in Path(paths.capath).iterdir() if path.suffix in {".pem", ".crt"})
    blocks = {block for file in files for block in _PEM.findall(file.read_bytes())}
    return [certificate for block in sorted(blocks) for certificate in _parsed(block)]


def _parsed(block: bytes) -> list[x509.Certificate]:
    """One certificate; none where it breaks RFC 5280, as a few old roots of operating systems do."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", CryptographyDeprecationWarning)
        try:
            return [x509.load_pem_x509_certificate(block)]
        except (ValueError, CryptographyDeprecationWarning):
            return []
