"""When certificates end."""

from __future__ import annotations

from datetime import datetime

from gatekeeper.errors import BadAnswer


def certificate_ends(pem: bytes, what: str, begun_by: datetime | None = None) -> tuple[datetime, ...]:
    """When the certificates of a PEM bundle end, UTC.

    Args:
        pem: the bundle.
        what: how it is called in an error.
        begun_by: leave out those that are not valid yet at this moment; there may be no other.

    Raises:
        BadAnswer: it holds no certificate, or one that cannot be read.
    """
    from cryptography import x509  # it takes long to load, and few checks look at certificates

    try:
        found = x509.load_pem_x509_certificates(pem)
        return tuple(
            each.not_valid_after_utc for each in found if begun_by is None or each.not_valid_before_utc <= begun_by
        )
    except ValueError as error:
        raise BadAnswer(f"{what} is no bundle of certificates") from error
