"""The stack's own certificate."""

import socket
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from stasis_app.embedded import certificate
from stasis_app.embedded.certificate import ensure_certificate


def test_the_certificate_is_for_this_host(tmp_path: Path) -> None:
    ensure_certificate(tmp_path)
    made = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", socket.gethostname()}
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
        tmp_path / "cert.pem", tmp_path / "key.pem"
    )


def test_a_good_certificate_stays(tmp_path: Path) -> None:
    ensure_certificate(tmp_path)
    before = (tmp_path / "cert.pem").read_bytes()
    ensure_certificate(tmp_path)
    assert (tmp_path / "cert.pem").read_bytes() == before


def test_a_certificate_about_to_expire_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as short:
        short.setattr(certificate, "LIFETIME", timedelta(days=10))
        ensure_certificate(tmp_path)
    ensure_certificate(tmp_path)
    made = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    assert made.not_valid_after_utc - datetime.now(UTC) > timedelta(days=800)
