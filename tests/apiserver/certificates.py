"""The keys and certificates of a throw-away control plane."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_PEM = serialization.Encoding.PEM
_SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def write_certificates(folder: Path) -> bytes:
    """Write ``apiserver.crt`` and ``.key``, ``service-account.key`` and ``.pub``; return the CA certificate (PEM)."""
    ca_pem, ca_key = certificate_authority(datetime.now(UTC) + timedelta(days=1))
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        _builder("kube-apiserver", "test-ca", key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    (folder / "apiserver.crt").write_bytes(certificate.public_bytes(_PEM))
    _write_key(folder / "apiserver.key", key)
    # Service account tokens are signed with RSA, as kubeadm has it.
    account = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write_key(folder / "service-account.key", account)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / "service-account.pub").write_bytes(account.public_key().public_bytes(_PEM, form))
    return ca_pem


def certificate_authority(end: datetime) -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    """A CA's certificate (PEM) that ends at a time, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder("test-ca", "test-ca", key.public_key(), end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_SIGNS, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(_PEM), key


def _builder(
    subject: str, issuer: str, public: ec.EllipticCurvePublicKey, end: datetime | None = None
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    subject_name, issuer_name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)]) for common in (subject, issuer)
    )
    builder = x509.CertificateBuilder().subject_name(subject_name).issuer_name(issuer_name).public_key(public)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(days=9)).not_valid_after(end or now + timedelta(days=1))


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.touch(mode=0o600)
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(_PEM, form, plain))
