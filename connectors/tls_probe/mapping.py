"""Certificates as they are served → what the engine compares. Pure."""

from cryptography import x509

from connectors.tls_probe.client import Unseen
from core.installs import Served


def served(name: str, der: bytes) -> Served:
    """What is served under a name: the certificate's last valid day (UTC). Raises `Unseen` where it cannot be read."""
    try:
        ends_at = x509.load_der_x509_certificate(der).not_valid_after_utc
    except (ValueError, TypeError) as error:
        raise Unseen("its certificate cannot be read") from error
    return Served(name, ends_at.date())


def unseen(name: str, why: Unseen) -> Served:
    """A name under which nothing could be seen."""
    return Served(name, None, str(why))
