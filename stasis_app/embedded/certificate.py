"""The stack's own TLS certificate, for SIP over TLS, WSS and DTLS-SRTP."""

import ipaddress
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=825)
RENEW_BEFORE = timedelta(days=30)


def ensure_certificate(directory: Path) -> None:
    """Have cert.pem and key.pem in `directory`, good for this host and a while to come."""
    certificate = directory / "cert.pem"
    if certificate.exists() and _is_good(certificate):
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    key_file = directory / "key.pem"
    key_file.touch(mode=0o600)
    key_file.write_bytes(_private_pem(key))
    certificate.write_bytes(_self_signed(key).public_bytes(serialization.Encoding.PEM))


def _is_good(path: Path) -> bool:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    lasts = certificate.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE
    return lasts and socket.gethostname() in names.get_values_for_type(x509.DNSName)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    host = socket.gethostname()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    names = [x509.DNSName("localhost"), x509.DNSName(host), loopback]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
