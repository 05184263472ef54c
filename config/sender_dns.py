"""Whether the DNS of the sender's domain lets its mails be believed: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489).

Where nothing can be looked up, that is said and nothing is held against the domain.
"""

import ipaddress
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import dns.exception
import dns.nameserver
import dns.resolver

from core.errors import ConfigurationError
from core.ports import Finding

SECONDS = 3.0
"""A look-up takes no longer; they go side by side."""

_RESERVED = ("example", "invalid", "test", "localhost", "local")


@dataclass(frozen=True, slots=True)
class _Answer:
    """The TXT records of a name; None where it could not be looked up."""

    texts: tuple[str, ...] | None


def check_sender(domain: str, selectors: Sequence[str], servers: Sequence[str]) -> list[Finding]:
    """What is there and what is missing for a domain that mails are sent from.

    `servers` are addresses, with a port where it is not 53 (`192.0.2.1:5353`, `[2001:db8::1]:5353`); none: the system's.
    Raises `ConfigurationError` for one that is no address.
    """
    if domain.rpartition(".")[2] in _RESERVED:
        return [Finding("sender's DNS", True, f"could not be looked up: {domain} is a reserved name")]
    try:
        resolver = _resolver(servers)
    except dns.resolver.NoResolverConfiguration:
        return [Finding("sender's DNS", True, "could not be looked up: this machine knows no DNS server")]
    labels = domain.split(".")
    parents = [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]
    names = [domain, *(f"_dmarc.{parent}" for parent in parents), *(f"{one}._domainkey.{domain}" for one in selectors)]
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        found = dict(zip(names, pool.map(lambda name: _texts(resolver, name), names), strict=True))
    return [
        _spf(domain, found[domain]),
        *(_dkim(selector, found[f"{selector}._domainkey.{domain}"]) for selector in selectors),
        *([] if selectors else [Finding("DKIM", True, "not looked up", "name the keys in [mail] dkim_selectors")]),
        _dmarc(domain, [found[f"_dmarc.{parent}"] for parent in parents]),
    ]


def _resolver(servers: Sequence[str]) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not servers)
    resolver.lifetime = SECONDS
    resolver.timeout = SECONDS / 2
    if servers:
        resolver.nameservers = [_server(server) for server in servers]
    return resolver


def _server(said: str) -> dns.nameserver.Nameserver:
    address, port = said, "53"
    if said.startswith("["):
        address, _, port = said[1:].partition("]")
        port = port.removeprefix(":") or "53"
    elif said.count(":") == 1:
        address, _, port = said.partition(":")
    try:
        number = int(port)
        if not 0 < number < 65536:
            raise ValueError("no port")
        return dns.nameserver.Do53Nameserver(str(ipaddress.ip_address(address)), number)
    except ValueError as error:
        raise ConfigurationError(f"[mail] dns_servers: {said!r} is no address; write one such as 192.0.2.1") from error


def _texts(resolver: dns.resolver.Resolver, name: str) -> _Answer:
    try:
        answer = resolver.resolve(name, "TXT", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return _Answer(())
    except (dns.exception.DNSException, OSError, ValueError):
        return _Answer(None)
    return _Answer(tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer))


def _unknown(subject: str) -> Finding:
    return Finding(subject, True, "could not be looked up", "see whether this machine can ask a DNS server")


def _spf(domain: str, answer: _Answer) -> Finding:
    if answer.texts is None:
        return _unknown("SPF")
    records = [text for text in answer.texts if text.lower().split(" ")[0] == "v=spf1"]
    if not records:
        return Finding("SPF", False, f"{domain} has none", 'publish TXT "v=spf1 … -all" with the servers that send')
    if len(records) > 1:
        return Finding("SPF", False, f"{domain} has {len(records)}, so that none counts", "make them one")
    if records[0].lower().split()[-1] in ("+all", "all"):
        return Finding("SPF", False, f"{domain} lets every server send (all)", "end it with ~all or -all")
    return Finding("SPF", True, f"{domain} says who may send")


def _dkim(selector: str, answer: _Answer) -> Finding:
    if answer.texts is None:
        return _unknown(f"DKIM {selector}")
    keys = [text for text in answer.texts if "p=" in text.replace(" ", "")]
    if not keys:
        return Finding(f"DKIM {selector}", False, "there is no key", "publish the one that your mail server signs with")
    if all(_tag(key, "p") == "" for key in keys):
        return Finding(f"DKIM {selector}", False, "the key is revoked", "sign with another selector, and name it here")
    return Finding(f"DKIM {selector}", True, "its key is there")


def _dmarc(domain: str, answers: Sequence[_Answer]) -> Finding:
    """The domain's own policy, else that of the nearest domain above it."""
    for answer in answers:
        if answer.texts is None:
            return _unknown("DMARC")
        records = [text for text in answer.texts if text.replace(" ", "").lower().startswith("v=dmarc1")]
        if len(records) > 1:
            return Finding(
                "DMARC", False, f"{domain} has {len(records)} policies, so that none counts", "make them one"
            )
        if records:
            policy = _tag(records[0], "p").lower()
            if policy not in ("none", "quarantine", "reject"):
                return Finding("DMARC", False, "its policy cannot be read", "write p=none, quarantine or reject")
            advice = "quarantine or reject would keep others from using your name" if policy == "none" else ""
            return Finding("DMARC", True, f"its policy is {policy}", advice)
    return Finding(
        "DMARC", False, f"{domain} has no policy", f'publish TXT "v=DMARC1; p=none; rua=mailto:…" at _dmarc.{domain}'
    )


def _tag(record: str, name: str) -> str:
    """The value of a tag such as `p`; empty where it is not there."""
    tags = (part.partition("=") for part in record.split(";"))
    return next((value.strip() for key, _, value in tags if key.strip().lower() == name), "")
