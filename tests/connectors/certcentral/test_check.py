"""`nolapse check` in plain words."""

from typing import Any

import pytest
from pydantic import SecretStr

from connectors.certcentral import connector
from core.errors import ConfigurationError
from core.ports import Finding
from tests.connectors.certcentral.conftest import Desk, MakeDesk, add, days, on_sqlite
from tests.fakes.certcentral.records import ORDERS, READ

pytestmark = on_sqlite


def said(desk: Desk) -> dict[str, Finding]:
    found = desk.certcentral.check()
    assert all(one.text and "\n" not in one.text + one.advice for one in found)
    assert not any(desk.server.key in one.text + one.advice for one in found)
    return {one.subject: one for one in found}


def test_all_is_well(desk: Desk) -> None:
    add(desk, ends_on=days(40))
    found = said(desk)
    assert all(one.ok for one in found.values())
    assert found["CertCentral"].text == f"{desk.server.base_url} answers; account 110022 (partner)"
    assert found["orders"].text == "1 orders can be read"
    assert found["order report"].text == "can be read"
    assert found["renewal calls"].text == "DigiCert does not call the customers of this account"


def test_digicert_calls_the_customers_itself(desk: Desk) -> None:
    desk.world.make_renewal_calls = True
    finding = said(desk)["renewal calls"]
    assert finding.text == "DigiCert itself calls the customers of this account"
    assert "agree with your account manager" in finding.advice


@pytest.mark.parametrize("status", [401, 403])
def test_the_key_is_wrong(make_desk: MakeDesk, status: int) -> None:
    desk = make_desk(key=SecretStr("another-key"))
    desk.world.quirks.wrong_key_status = status
    finding = said(desk)["CertCentral"]
    assert not finding.ok
    assert "the key is wrong, expired or revoked" in finding.text
    assert "NOLAPSE_CERTCENTRAL__KEY" in finding.advice


def test_the_key_is_of_the_other_region(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(key=SecretStr("key-of-europe"))
    monkeypatch.setattr(connector, "REGIONS", {"us": desk.server.base_url, "eu": desk.server.eu_base_url})
    desk.world.add_key("key-of-europe", region="eu")
    finding = said(desk)["CertCentral"]
    assert not finding.ok
    assert finding.text == f"the key is refused here, but is good at {desk.server.eu_base_url}"
    assert "region" in finding.advice
    desk = make_desk(key=SecretStr("key-of-nobody"))
    assert "the key is wrong" in said(desk)["CertCentral"].text


def test_nobody_answers(make_desk: MakeDesk) -> None:
    desk = make_desk(base_url="http://127.0.0.1:9/services/v2", timeout_seconds=2.0)
    (finding, notices) = desk.certcentral.check()
    assert not finding.ok
    assert "the host does not answer" in finding.text
    assert notices.ok


class TestRights:
    @pytest.mark.parametrize(("restriction", "ok"), [(READ, False), (ORDERS, True)])
    def test_a_key_too_weak_for_what_is_set(self, make_desk: MakeDesk, restriction: str, ok: bool) -> None:
        make_desk().world.add_key("its-key", restriction)
        desk = make_desk(key=SecretStr("its-key"), switch_notices_off=True)
        finding = said(desk)["rights"]
        assert finding.ok is ok
        if not ok:
            assert finding.text == "the key may only read, but the settings want CertCentral written to"

    def test_for_reading_view_only_is_enough(self, make_desk: MakeDesk) -> None:
        make_desk().world.add_key("its-key", READ)
        found = said(make_desk(key=SecretStr("its-key")))
        assert "rights" not in found
        assert all(one.ok for one in found.values())

    def test_trouble_is_no_answer(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True)
        desk.server.fail("status", "/order/certificate/0", status=500, times=99)
        assert not said(desk)["rights"].ok


class TestFeatures:
    def test_subaccounts_are_not_enabled(self, make_desk: MakeDesk) -> None:
        desk = make_desk(subaccounts=True)
        assert said(desk)["subaccounts"].ok
        desk.world.quirks.subaccounts = False
        finding = said(desk)["subaccounts"]
        assert not finding.ok
        assert "subaccounts = false" in finding.advice

    def test_the_order_report_may_be_missing(self, desk: Desk) -> None:
        desk.server.fail("status", "/report/order", status=403, times=9)
        finding = said(desk)["order report"]
        assert finding.ok
        assert finding.advice == "contacts come from order info then, one call for each order"

    def test_orders_may_not_be_read(self, desk: Desk) -> None:
        desk.server.fail("status", "/order/certificate", status=403, times=9)
        assert not said(desk)["orders"].ok

    def test_unknown_fields_are_told(self, desk: Desk) -> None:
        desk.world.quirks.more_fields = {"quantum_safe": True}
        add(desk, ends_on=days(40))
        assert said(desk)["orders"].advice == "unknown fields, kept as told: quantum_safe"

    def test_orders_that_make_no_sense_are_counted(self, desk: Desk) -> None:
        desk.world.quirks.more_fields = {"status": ["issued"]}
        add(desk, ends_on=days(40))
        finding = said(desk)["orders"]
        assert (finding.ok, finding.text) == (False, "1 orders can be read, but 1 of the first 1 make no sense")

    def test_the_custom_field(self, make_desk: MakeDesk) -> None:
        field = make_desk().world.add_field("CRM Account Id")
        assert said(make_desk(crm_id_field=field.id))["custom field"].ok
        finding = said(make_desk(crm_id_field=field.id + 1))["custom field"]
        assert not finding.ok
        assert f"there are: {field.id} (CRM Account Id)" in finding.text


def test_contracts(make_desk: MakeDesk) -> None:
    make_desk().world.add_key("partner-key", partner=True)
    server = make_desk().server
    good = make_desk(partner_key=SecretStr("partner-key"), partner_url=server.partner_base_url)
    assert said(good)["partner subscriptions"].text == "contracts of 0 subaccounts can be read"
    wrong = make_desk(partner_key=SecretStr("no-key"), partner_url=server.partner_base_url)
    assert not said(wrong)["partner subscriptions"].ok


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr("a\nb"), SecretStr("schlüssel")])
def test_without_a_usable_key_nothing_is_opened(make_desk: MakeDesk, key: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"\[certcentral\]"):
        make_desk(key=key)
