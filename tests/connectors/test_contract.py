from collections.abc import Iterator
from dataclasses import fields, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter
from sqlalchemy import Engine, update

from connectors.certcentral.connector import CertCentralSettings
from connectors.certcentral.connector import open_source as open_certcentral
from connectors.embedded.connector import EmbeddedSettings, open_crm, open_mailer
from connectors.embedded.desk import EmbeddedDesk
from connectors.embedded.tables import embedded_tasks
from connectors.mime import build
from connectors.order_report.connector import OrderReportSettings
from connectors.order_report.connector import open_source as open_report
from connectors.smtp.connector import SmtpSettings
from connectors.smtp.connector import open_mailer as open_smtp
from core.errors import NolapseError
from core.ports import Connector, Handed, Mail, Result
from core.store import Store, open_store
from tests.builders import make_ledger
from tests.conftest import Prepared
from tests.connectors.contract import (
    CrmContract,
    MailerContract,
    OpenedCrm,
    OpenedMailer,
    OpenedSource,
    OrderSourceContract,
    SeenTask,
)
from tests.connectors.order_report.rows import row, write
from tests.fakes.certcentral import running_certcentral
from tests.fakes.memory import MemoryCrm, MemoryMailer
from tests.fakes.smtp_server import SmtpServer, running_smtp_server

ROOT = Path(__file__).parent.parent.parent
CONNECTORS = sorted(entry_points(group="nolapse.connectors"), key=lambda point: point.name)


class BuildingMailer(MemoryMailer):
    """Builds each message, as a mailer that carries it must."""

    def _send(self, mail: Mail) -> Result:
        try:
            build(mail)
        except NolapseError as error:
            return Result(mail.key, Handed.FAILED, error=error)
        return super()._send(mail)


class TestMemoryMailer(MailerContract):
    @pytest.fixture(params=[True, False], ids=["finds", "finds nothing"])
    def opened(self, request: pytest.FixtureRequest) -> OpenedMailer:
        mailer = BuildingMailer(can_find=request.param)
        return OpenedMailer(mailer, lambda: [build(mail) for mail in mailer.sent])


class TestEmbeddedMailer(MailerContract):
    @pytest.fixture
    def opened(self, embedded_store: Store, tmp_path: Path) -> OpenedMailer:
        folder = tmp_path / "mailbox"
        mailer = open_mailer(EmbeddedSettings(mailbox=str(folder)), embedded_store.engine)
        return OpenedMailer(mailer, lambda: [file.read_bytes() for file in folder.glob("new/*")])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmtpServer]:
    with running_smtp_server(tmp_path_factory.mktemp("smtp")) as server:
        yield server


class TestSmtpMailer(MailerContract):
    @pytest.fixture
    def opened(self, server: SmtpServer) -> Iterator[OpenedMailer]:
        server.forget()
        settings = SmtpSettings(host="127.0.0.1", port=server.port, security="none", batch_size=3)
        mailer = open_smtp(settings)
        yield OpenedMailer(mailer, lambda: [mail.octets for mail in server.received()])
        mailer.close()


class TestOrderReport(OrderSourceContract):
    @pytest.fixture
    def opened_source(self, tmp_path: Path) -> OpenedSource:
        path = write(tmp_path / "report.csv", [row(order_id="1001"), row(order_id="1002")])
        return OpenedSource(open_report(OrderReportSettings(path=path), None), "digicert:1002")


class TestCertCentral(OrderSourceContract):
    @pytest.fixture
    def opened_source(self, prepared_store_url: Prepared) -> Iterator[OpenedSource]:
        store = open_store(prepared_store_url("ledger", make_ledger))
        with running_certcentral() as server:
            orders = [server.world.add(days=365) for _ in range(2)]
            settings = CertCentralSettings(key=SecretStr(server.key), base_url=server.base_url)
            yield OpenedSource(open_certcentral(settings, store.engine), f"digicert:{orders[1].id}")
        store.close()


class MemoryHands:
    def __init__(self, crm: MemoryCrm) -> None:
        self._crm = crm

    def look(self, task_key: str) -> SeenTask:
        task = self._crm.tasks[f"#{task_key}"]
        return SeenTask(task.urgency, task.due_on, task.owner_key, task.body, task.is_open, task.order_keys)

    def edit(self, task_key: str, **changes: Any) -> None:
        self._crm.tasks[f"#{task_key}"] = replace(self._crm.tasks[f"#{task_key}"], **changes)

    def finish(self, task_key: str, outcome: str) -> None:
        self._crm.finish(task_key, outcome)


class TestMemoryCrm(CrmContract):
    @pytest.fixture
    def opened(self) -> OpenedCrm:
        crm = MemoryCrm()
        return OpenedCrm(crm, MemoryHands(crm))


class EmbeddedHands:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._desk = EmbeddedDesk(engine)

    def look(self, task_key: str) -> SeenTask:
        task = self._desk.show(task_key)
        return SeenTask(task.urgency, task.due_on, task.owner_key, task.body, task.status == "open", task.order_keys)

    def edit(self, task_key: str, **changes: Any) -> None:
        with self._engine.begin() as connection:
            mine = update(embedded_tasks).where(embedded_tasks.c.task_key == task_key)
            assert connection.execute(mine.values(changes)).rowcount == 1

    def finish(self, task_key: str, outcome: str) -> None:
        assert self._desk.outcome(task_key, outcome).changed


class TestEmbeddedCrm(CrmContract):
    @pytest.fixture
    def opened(self, embedded_store: Store) -> OpenedCrm:
        return OpenedCrm(open_crm(EmbeddedSettings(), embedded_store.engine), EmbeddedHands(embedded_store.engine))


@pytest.mark.parametrize("point", CONNECTORS, ids=lambda point: point.name)
class TestEveryConnector:
    def test_it_is_what_its_entry_point_says(self, point: Any) -> None:
        connector = point.load()
        assert isinstance(connector, Connector)
        assert connector.name == point.name
        ports = [connector.order_source, connector.crm, connector.mailer, connector.prober, connector.mailbox]
        assert any(ports)

    def test_its_settings_have_defaults_and_are_explained(self, point: Any) -> None:
        settings = point.load().settings
        assert settings.__doc__
        built = TypeAdapter(settings).validate_python({})
        assert built == settings()
        assert built.__dataclass_params__.frozen

    def test_it_is_laid_out_like_the_others(self, point: Any) -> None:
        folder = ROOT / "connectors" / point.name
        expected = {"__init__.py", "client.py", "mapping.py", "connector.py", "BEHAVIOR.md", "README.md"}
        assert expected <= {file.name for file in folder.iterdir()}
        assert len((folder / "README.md").read_text()) > 200
        assert len((folder / "BEHAVIOR.md").read_text()) > 200

    def test_each_setting_is_documented(self, point: Any) -> None:
        readme = (ROOT / "connectors" / point.name / "README.md").read_text()
        assert [field.name for field in fields(point.load().settings) if field.name not in readme] == []


def test_every_source_mailer_and_crm_is_held_to_the_contract() -> None:
    offered = {point.name: point.load() for point in CONNECTORS}
    assert {name for name, one in offered.items() if one.mailer} == {"embedded", "hubspot", "salesforce", "smtp"}
    assert {name for name, one in offered.items() if one.crm} == {"embedded", "hubspot", "salesforce"}
    assert {name for name, one in offered.items() if one.prober} == {"tls_probe"}
    assert {name for name, one in offered.items() if one.order_source} == {"certcentral", "order_report"}
