"""When certificates end."""

from __future__ import annotations

from datetime import datetime

from gatekeeper.errors import BadAnswer


def certificate_ends(pem: bytes, what: str) -> tuple[datetime, ...]:
    """When the certificates of a PEM bundle end, UTC.

    Raises:
        BadAnswer: it holds no certificate, or one that cannot be read.
    """
    from cryptography import x509  # it takes long to load, and few checks look at certificates

    try:
        return tuple(each.not_valid_after_utc for each in x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise BadAnswer(f"{what} is no bundle of certificates") from error
