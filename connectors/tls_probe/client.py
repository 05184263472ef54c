"""Asks a server for its certificate: a name is looked up, its address vetted, and a TLS connection opened and closed."""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dns.exception
import dns.resolver

_ADDRESSES = 2  # tried at most; the others of a name serve the same
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Resolve = Callable[[str, float], Sequence[str]]


class Unseen(Exception):
    """What is served cannot be seen; the message says why, without addresses."""


def resolve(name: str, seconds: float) -> list[str]:
    """The addresses of a name, IPv4 first. Raises `Unseen` where there is none to be found in so many seconds."""
    found: list[str] = []
    for kind in ("A", "AAAA"):
        try:
            found += [record.address for record in dns.resolver.resolve(name, kind, lifetime=seconds, search=False)]
        except (dns.exception.DNSException, OSError, ValueError):
            continue
    if not found:
        raise Unseen("it has no address")
    return found


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet: not of this machine, its networks, or a tunnel that leads there."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.sixtofour is not None or ip.teredo is not None:
            return False
        inner = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@dataclass(frozen=True, slots=True)
class Client:
    """Looks at one name at a time. `timeout_seconds` is for each of look-up, connection and handshake."""

    port: int = 443
    timeout_seconds: float = 5.0
    allow_private: bool = False
    resolve: Resolve = resolve

    def certificate(self, name: str) -> bytes:
        """The certificate (DER) that is served under a name, whoever signed it. Raises `Unseen`."""
        try:
            host = name.encode("idna").decode("ascii")
            ipaddress.ip_address(host)
        except UnicodeError as error:
            raise Unseen("it is no host name") from error
        except ValueError:
            pass
        else:
            raise Unseen("it is an address and no name")
        addresses = self.resolve(host, self.timeout_seconds)
        usable = [address for address in addresses if self.allow_private or is_public(address)]
        if not usable:
            raise Unseen("its address is private; tls_probe.allow_private lets it be looked at")
        why = Unseen("it does not answer")
        for address in usable[:_ADDRESSES]:
            try:
                return self._shake_hands(host, address)
            except Unseen as error:
                why = error
        raise why

    def _shake_hands(self, host: str, address: str) -> bytes:
        """The vetted address is used itself: looked up once more, the name might lead elsewhere."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # An expired certificate, or one for another name, is what we are here to see. Nothing is sent.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with (
                socket.create_connection((address, self.port), timeout=self.timeout_seconds) as plain,
                context.wrap_socket(plain, server_hostname=host) as secure,
            ):
                served = secure.getpeercert(binary_form=True)
        except ssl.SSLError as error:
            raise Unseen("it does not agree on TLS") from error
        except (OSError, ValueError) as error:
            raise Unseen("it does not answer") from error
        if not served:
            raise Unseen("it shows no certificate")
        return served
