"""The order report as the engine sees it."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.order_report.connector import CONNECTOR, OrderReport, OrderReportSettings, open_source
from core.errors import ConfigurationError, UsageError
from core.model import SourceRow
from core.ports import OrderSource, PeopleSource
from core.products import Catalogue, Product
from core.words import Level, ProductKind
from tests.connectors.order_report.rows import row, write

CATALOGUE = Catalogue({"ssl_basic": Product("ssl_basic", "Basic", ProductKind.TLS, Level.EV)})


def source(tmp_path: Path, *rows: dict[str, str], **said: str) -> OrderReport:
    path = write(tmp_path / "report.csv", rows or [row()])
    return open_source(TypeAdapter(OrderReportSettings).validate_python({"path": path} | said), None)


def catalogued(tmp_path: Path, **said: str) -> OrderReport:
    path = write(tmp_path / "report.csv", [row()])
    return open_source(TypeAdapter(OrderReportSettings).validate_python({"path": path} | said), None, CATALOGUE)


def digest(found: OrderReport) -> bytes:
    (only,) = found.orders(None)
    assert isinstance(only, SourceRow)
    return only.digest


def test_the_connector_offers_orders_and_people(tmp_path: Path) -> None:
    assert CONNECTOR.name == "order_report"
    assert CONNECTOR.settings is OrderReportSettings
    assert CONNECTOR.crm is None
    assert CONNECTOR.mailer is None
    assert CONNECTOR.order_source is not None
    opened: OrderSource = CONNECTOR.order_source(OrderReportSettings(path=str(tmp_path)), None, Catalogue())
    assert opened.name == "order_report"
    assert isinstance(opened, PeopleSource)


@pytest.mark.parametrize(("contacts", "everybody"), [("contacts.csv", True), ("", False)])
def test_a_contacts_file_names_everybody(contacts: str, everybody: bool) -> None:
    assert open_source(OrderReportSettings(contacts_path=contacts), None).names_everybody is everybody


def test_settings_are_validated() -> None:
    adapter = TypeAdapter(OrderReportSettings)
    assert adapter.validate_python({"customer": "container"}).customer == "container"
    with pytest.raises(ValidationError, match="customer"):
        adapter.validate_python({"customer": "planet"})


def test_without_a_report_it_knows_the_people_only(tmp_path: Path) -> None:
    reps = tmp_path / "reps.csv"
    reps.write_text("rep_key,name,email\nmaria,Maria,maria@ours.example\n", encoding="utf-8")
    found = open_source(OrderReportSettings(reps_path=str(reps)), None)
    stream = found.orders(None)
    assert (list(stream), stream.complete, stream.size, stream.cursor) == ([], False, None, None)
    assert [one.key for one in found.reps()[0]] == ["maria"]
    assert [(one.subject, one.ok) for one in found.check()] == [("reps", True)]
    with pytest.raises(ConfigurationError, match="path"):
        open_source(OrderReportSettings(), None).orders(None)


def test_the_cursor_makes_no_difference(tmp_path: Path) -> None:
    found = source(tmp_path)
    assert found.orders("yesterday").size == found.orders(None).size == 1
    assert found.orders(None).cursor is None


def test_the_catalogue_and_the_settings_reach_the_orders(tmp_path: Path) -> None:
    found = catalogued(tmp_path, ca="other", customer="container", currency="EUR")
    order = found.order("other:123456")
    assert order is not None
    assert (order.level, order.account.key) == (Level.EV, "other:container:44")


def test_what_decides_the_mapping_changes_the_digest(tmp_path: Path) -> None:
    digests = {
        digest(source(tmp_path)),
        digest(catalogued(tmp_path)),
        digest(source(tmp_path, customer="container")),
        digest(source(tmp_path, currency="EUR")),
        digest(source(tmp_path, ca="other")),
    }
    assert len(digests) == 5
    assert digest(source(tmp_path)) in digests


def test_one_order_by_its_key(tmp_path: Path) -> None:
    found = source(tmp_path, row(order_id="5"), row(order_id="7"))
    order = found.order("digicert:7")
    assert order is not None
    assert order.outside_id == "7"
    assert found.order("digicert:8") is None
    assert found.order("other:7") is None


def test_one_order_whose_rows_are_unusable(tmp_path: Path) -> None:
    found = source(tmp_path, row(order_id="5", valid_till="x"), row(order_id="7"), row(order_id="7", status="revoked"))
    with pytest.raises(UsageError, match=r"report\.csv, row 1 \(line 2\): valid_till: is 'x'"):
        found.order("digicert:5")
    with pytest.raises(UsageError, match=r"report\.csv, row 2 \(line 6\): order_id: the order stands also in row 3"):
        found.order("digicert:7")


@pytest.mark.parametrize("path", ["", "/nowhere/report.csv"])
def test_a_file_that_is_missing_is_told_in_one_line(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^[^\n]*\[order_report\] path[^\n]*$"):
        OrderReport(OrderReportSettings(path=path), Catalogue()).orders(None)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", [row()], ["order_id", "status"])
    with pytest.raises(ConfigurationError, match="date_created, common_name, valid_from, valid_till, validity_years"):
        OrderReport(OrderReportSettings(path=path), Catalogue()).orders(None)


def people_files(tmp_path: Path) -> dict[str, str]:
    files = {
        "accounts_path": "account,name\n4711,Larch\n",
        "contacts_path": "account,email\n4711,a@larch.example\n4711,broken\n",
        "reps_path": "rep_key,name,email\nr-1,Ann,ann@partner.example\n",
    }
    for name, content in files.items():
        (tmp_path / f"{name}.csv").write_text(content)
    return {name: str(tmp_path / f"{name}.csv") for name in files}


def test_people_come_with_the_prefix_of_the_setting(tmp_path: Path) -> None:
    found = source(tmp_path, customer="container", **people_files(tmp_path))
    accounts, rejects = found.accounts()
    assert [(one.key, len(one.people)) for one in accounts] == [("digicert:container:4711", 1)]
    assert len(rejects) == 1
    assert found.reps()[0][0].key == "r-1"


def test_check_tells_of_every_file(tmp_path: Path) -> None:
    report, accounts, reps = source(tmp_path, **people_files(tmp_path)).check()
    assert report.ok
    assert "columns, written" in report.text
    assert report.advice == ""
    assert (accounts.ok, accounts.text) == (False, "1 usable, 1 rows unusable")
    assert "contacts_path.csv, row 2 (line 3): email is no e-mail address" in accounts.advice
    assert (reps.ok, reps.text) == (True, "1 usable, 0 rows unusable")


def test_check_tells_what_a_report_lacks(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", [row()], [name for name in row() if name not in ("order_valid_till", "dns_names")])
    (finding,) = OrderReport(OrderReportSettings(path=path), Catalogue()).check()
    assert finding.ok
    assert "order_valid_till, dns_names" in finding.advice
    assert "worked out" in finding.advice


def test_check_tells_what_cannot_be_read(tmp_path: Path) -> None:
    settings = OrderReportSettings(path=str(tmp_path), reps_path=str(tmp_path / "none.csv"))
    report, reps = OrderReport(settings, Catalogue()).check()
    assert not report.ok
    assert "this is a folder" in report.text
    assert not reps.ok
    assert "No such file" in reps.text
