"""What stands behind webhooks: certificates, a Service and its EndpointSlice."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gatekeeper.testing import NOW


@cache
def certificate(end: datetime, begin: datetime = NOW - timedelta(days=999)) -> bytes:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")])
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(begin).not_valid_after(end)
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def bundle(*days: float, begins: float | None = None) -> str:
    """Certificates that end so many days from now, and one that begins then and lasts for long."""
    pem = [certificate(NOW + timedelta(days=each)) for each in days]
    later = [] if begins is None else [certificate(NOW + timedelta(days=999), NOW + timedelta(days=begins))]
    return b64encode(b"".join(pem + later)).decode()


def service(port: int = 443, port_name: str | None = None, **spec: Any) -> Any:
    ports = [{"port": port} | ({"name": port_name} if port_name else {})]
    metadata = {"name": "policy", "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **spec}}


def endpoints(*ready: bool | None, name: str = "policy", ports: Any = ({"name": "", "port": 9443},)) -> Any:
    labels = {"kubernetes.io/service-name": name}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-1", "namespace": "shop", "labels": labels},
        "addressType": "IPv4",
        "ports": list(ports),
        "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {} if each is None else {"ready": each}} for each in ready
        ]
        or None,
    }
