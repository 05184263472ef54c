"""What `nolapse check` says of messages: the sender's DNS, the brand's colours, what offers lead to."""

from tests.cli.conftest import Desk
from tests.fakes.dns_server import dns_server


def subjects(nolapse: Desk, code: int) -> dict[str, tuple[bool, str]]:
    return {one["subject"]: (one["ok"], one["text"]) for one in nolapse("check", "--json", code=code).json}


def test_the_senders_dns_is_looked_up_where_mails_leave_by_a_server(nolapse: Desk) -> None:
    nolapse.report({})
    records = {"certs.shop": ("v=spf1 -all",), "s1._domainkey.certs.shop": ("v=DKIM1; p=AAAA",)}
    with dns_server(records) as address:
        nolapse.settings(
            '[order_report]\npath = "report.csv"\n[brand]\nsender = "renewals@certs.shop"\n'
            f'[mail]\nvia = "smtp"\ndkim_selectors = ["s1"]\ndns_servers = ["{address}"]\n'
            '[smtp]\nhost = "127.0.0.1"\nport = 1\n'
        )
        found = subjects(nolapse, 1)
    assert found["SPF"] == (True, "certs.shop says who may send")
    assert found["DKIM s1"] == (True, "its key is there")
    assert found["DMARC"] == (False, "certs.shop has no policy")


def test_mails_that_stay_in_the_house_need_no_dns(nolapse: Desk) -> None:
    nolapse.report({})
    nolapse("sync", "--today", "2026-11-20")
    found = subjects(nolapse, 0)
    assert not {"SPF", "DKIM", "DMARC", "sender's DNS"} & found.keys()
    # Besides: who warns the customers without us, and what was read.
    assert found["if we stop"] == (True, "the CA itself warns of 1 of 1 open renewals")
    assert found["last sync of order_report"][1].endswith(" UTC: 1 read, 1 new")


def test_a_colour_that_white_text_cannot_be_read_on_is_told(nolapse: Desk) -> None:
    nolapse.report({})
    nolapse.settings('[order_report]\npath = "report.csv"\n[brand]\naccent = "#ff8800"\n')
    assert subjects(nolapse, 1)["brand"] == (False, "white text on accent #ff8800 has a contrast of 2.4")


def test_an_offer_for_a_product_that_is_not_known_is_told(nolapse: Desk) -> None:
    nolapse.report({})
    (nolapse.folder / "offers.toml").write_text('[early]\npercent = 5\nproducts = ["ssl_typo"]\n', encoding="utf-8")
    (nolapse.folder / "products.toml").write_text('[advice]\norderable = ["ssl_basic"]\n', encoding="utf-8")
    assert subjects(nolapse, 1)["offers"] == (False, "offers.toml: early.products: ssl_typo is no product")


def test_who_may_be_asked_back_and_who_looks_is_told(nolapse: Desk) -> None:
    nolapse.report({})
    nolapse.settings('[order_report]\npath = "report.csv"\n[sync]\nprober = "tls_probe"\n')
    nolapse("sync", "--today", "2026-06-21")
    found = subjects(nolapse, 0)
    assert found["occasions"] == (True, "lost customers are asked back; 0 addresses take offers")
    assert found["reps"][1].startswith("warning: 1 account has no owner")
    assert found["tls_probe"][1].endswith("public addresses only")
