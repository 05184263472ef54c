import time

import dns.resolver
import pytest

from config import sender_dns
from config.sender_dns import check_sender
from core.errors import ConfigurationError
from core.ports import Finding
from tests.fakes.dns_server import dns_server

KEY = "v=DKIM1; k=rsa; p=" + "A" * 390  # longer than one string of a TXT record
GOOD = {
    "certs.shop": ("google-verification=1", "v=spf1 include:_spf.mail.shop -all"),
    "s1._domainkey.certs.shop": (KEY,),
    "_dmarc.certs.shop": ("v=DMARC1; p=reject; rua=mailto:dmarc@certs.shop",),
}


def found(records: dict[str, tuple[str, ...]], domain: str = "certs.shop", *selectors: str) -> dict[str, Finding]:
    with dns_server(records) as address:
        return {one.subject: one for one in check_sender(domain, selectors, [address])}


def test_a_domain_that_has_everything_is_fine() -> None:
    told = found(GOOD, "certs.shop", "s1")
    assert {subject: one.ok for subject, one in told.items()} == {"SPF": True, "DKIM s1": True, "DMARC": True}
    assert told["DMARC"].text == "its policy is reject"


def test_what_is_missing_is_said_with_what_to_do() -> None:
    told = found({"other.shop": ("x",)}, "certs.shop", "s1")
    assert {subject: one.ok for subject, one in told.items()} == {"SPF": False, "DKIM s1": False, "DMARC": False}
    assert "v=spf1" in told["SPF"].advice
    assert "_dmarc.certs.shop" in told["DMARC"].advice


def test_without_a_selector_dkim_is_not_looked_up() -> None:
    told = found(GOOD)["DKIM"]
    assert (told.ok, told.text) == (True, "not looked up")
    assert "dkim_selectors" in told.advice


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("v=spf1 -all", "v=spf1 ~all"), "has 2, so that none counts"),
        (("v=spf1 +all",), "lets every server send"),
        (("v=spf10 -all",), "has none"),
    ],
)
def test_an_spf_record_that_does_not_protect_is_told(texts: tuple[str, ...], told: str) -> None:
    spf = found(GOOD | {"certs.shop": texts})["SPF"]
    assert not spf.ok
    assert told in spf.text


def test_a_revoked_key_is_told() -> None:
    told = found(GOOD | {"s1._domainkey.certs.shop": ("v=DKIM1; p=",)}, "certs.shop", "s1")["DKIM s1"]
    assert (told.ok, told.text) == (False, "the key is revoked")


@pytest.mark.parametrize(
    ("record", "ok", "text"),
    [
        ("v=DMARC1; p=none", True, "its policy is none"),
        ("v=DMARC1; p=perhaps", False, "its policy cannot be read"),
    ],
)
def test_a_dmarc_policy_is_read(record: str, ok: bool, text: str) -> None:
    told = found(GOOD | {"_dmarc.certs.shop": (record,)})["DMARC"]
    assert (told.ok, told.text) == (ok, text)


def test_the_policy_of_the_domain_above_counts_too() -> None:
    told = found({"_dmarc.certs.shop": ("v=DMARC1; p=quarantine",)}, "mail.certs.shop")["DMARC"]
    assert (told.ok, told.text) == (True, "its policy is quarantine")


def test_two_policies_are_none() -> None:
    twice = ("v=DMARC1; p=none", "v=DMARC1; p=reject")
    assert not found(GOOD | {"_dmarc.certs.shop": twice})["DMARC"].ok


def test_where_no_server_answers_nothing_is_held_against_the_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_dns, "SECONDS", 0.3)
    began = time.monotonic()
    with dns_server({}, silent=True) as address:
        told = check_sender("certs.shop", ["s1", "s2"], [address])
    assert all(one.ok for one in told)
    assert [one.text for one in told] == ["could not be looked up"] * 4
    assert time.monotonic() - began < 3


def test_a_machine_without_dns_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(configure: bool) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    (told,) = check_sender("certs.shop", [], [])
    assert (told.ok, "knows no DNS server" in told.text) == (True, True)


def test_reserved_names_are_not_asked_for() -> None:
    (told,) = check_sender("certs.example", [], ["192.0.2.1"])
    assert told.ok
    assert "reserved" in told.text


@pytest.mark.parametrize("server", ["ns.example", "192.0.2.1:x", "192.0.2.1:99999"])
def test_a_server_must_be_an_address(server: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[mail\] dns_servers"):
        check_sender("certs.shop", [], [server])


def test_servers_with_ports() -> None:
    assert sender_dns._server("[2001:db8::1]:5353").answer_port() == 5353
    assert sender_dns._server("2001:db8::1").answer_port() == 53
