"""Each way in which a call can fail, and that the key stays where it belongs."""

import logging
import time
from collections.abc import Iterator
from io import BytesIO

import pytest

from connectors.certcentral import client as transport
from connectors.certcentral.client import AbsentError, Client, RefusedError, limits_for, said
from core.errors import ConfigurationError, RetriableError
from core.limits import Window
from core.store import Store, open_store
from tests.builders import make_ledger
from tests.conftest import Prepared
from tests.fakes.certcentral import CertCentral, RollingLimits, World, running_certcentral
from tests.fakes.certcentral.records import READ

WIDE = (Window(10**6, 180), Window(10**6, 5))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path_factory.mktemp('limits') / 'own.db'}"
    make_ledger(url)
    store = open_store(url)
    yield store
    store.close()


def connect(ledger: Store, server: CertCentral, key: str = "", **more: float) -> Client:
    key = key or server.key
    limits = limits_for(ledger.engine, "CertCentral", key, WIDE)
    timeout = more.get("timeout_seconds", 10.0)
    return Client("CertCentral", server.base_url, "X-DC-DEVKEY", key, limits, timeout_seconds=timeout, parallel=4)


class TestTriedAgain:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
    def test_what_may_pass(self, ledger: Store, server: CertCentral, status: int) -> None:
        trouble = server.fail("status", "/account", status=status, times=2)
        assert connect(ledger, server).get("/account")["id"] == 110_022
        assert trouble.befell == 2

    @pytest.mark.parametrize("kind", ["cut", "malformed", "truncated"])
    def test_an_answer_that_is_none(self, ledger: Store, server: CertCentral, kind: str) -> None:
        server.fail(kind, "/account")  # type: ignore[arg-type]
        assert connect(ledger, server).get("/account")["id"] == 110_022
        assert server.calls["GET /account"] == 2

    def test_no_answer_in_time(self, ledger: Store, server: CertCentral) -> None:
        server.fail("slow", "/account", seconds=3.0)
        began = time.monotonic()
        assert connect(ledger, server, timeout_seconds=0.5).get("/account")["id"] == 110_022
        assert time.monotonic() - began < 3

    def test_it_gives_up_after_some_attempts(self, ledger: Store, server: CertCentral) -> None:
        trouble = server.fail("status", "/account", status=503, times=99)
        with pytest.raises(RetriableError, match=r"GET /account is answered 503 \(service_unavailable\)"):
            connect(ledger, server).get("/account")
        assert trouble.befell == transport.ATTEMPTS

    def test_a_write_that_was_cut_is_made_again(self, ledger: Store, server: CertCentral) -> None:
        order = server.world.add()
        server.fail("cut", "/order", method="PUT")
        server.fail("status", "/order", method="PUT", after=1, status=500)
        connect(ledger, server).put(f"/order/certificate/{order.id}/renewal-emails/disabled")
        assert server.world.order(order.id).notices_off

    def test_a_file_that_was_cut_is_fetched_from_its_beginning(self, ledger: Store, server: CertCentral) -> None:
        for _ in range(50):
            server.world.add()
        file = BytesIO()
        server.fail("cut", "/report/order")
        connect(ledger, server).download("/report/order", {"limit": "100"}, "text/csv", file)
        assert file.getvalue().count(b'"order_id"') == 1
        assert file.getvalue().count(b"BEGIN CERTIFICATE REQUEST") == 50

    @pytest.mark.parametrize("told", ["1", "Fri, 20 Nov 2099 12:00:00 GMT", "soon", None])
    def test_everybody_waits_as_long_as_is_asked(
        self, ledger: Store, server: CertCentral, told: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held: list[float] = []
        monkeypatch.setattr("core.limits.Limits.hold", lambda limits, seconds: held.append(seconds))
        monkeypatch.setattr(transport, "LONGEST_PAUSE_SECONDS", 7.0)
        server.fail("status", "/account", status=429, retry_after=told, times=2)
        connect(ledger, server).get("/account")
        first = {"1": 1.0, "Fri, 20 Nov 2099 12:00:00 GMT": 7.0}.get(told or "", transport.LIMIT_PAUSE_SECONDS)
        assert held[0] == pytest.approx(first)
        assert len(held) == 2


class TestRefused:
    def test_a_wrong_key(self, ledger: Store, server: CertCentral) -> None:
        for status in (401, 403):
            server.world.quirks.wrong_key_status = status
            with pytest.raises(RefusedError, match="the key is wrong for http://127"):
                connect(ledger, server, "another-key").get("/account")
        assert server.calls["GET /account"] == 2, "it is not tried again"

    def test_a_key_that_may_only_read(self, ledger: Store, server: CertCentral) -> None:
        order = server.world.add()
        server.world.add_key("read-only", READ)
        reader = connect(ledger, server, "read-only")
        assert reader.get(f"/order/certificate/{order.id}")["id"] == order.id
        with pytest.raises(RefusedError, match="the key or the account may not do this"):
            reader.put(f"/order/certificate/{order.id}/renewal-emails/disabled")

    def test_what_is_not_there(self, ledger: Store, server: CertCentral) -> None:
        with pytest.raises(AbsentError, match="404"):
            connect(ledger, server).get("/order/certificate/404404")

    def test_a_path_that_is_not_there(self, ledger: Store, server: CertCentral) -> None:
        with pytest.raises(RefusedError, match=r"not_found\|route"):
            connect(ledger, server).get("/nowhere")

    @pytest.mark.parametrize("shape", ["list", "object"])
    def test_errors_are_a_list_or_an_object(self, ledger: Store, server: CertCentral, shape: str) -> None:
        server.world.quirks.errors = shape  # type: ignore[assignment]
        with pytest.raises(RefusedError, match="time_frame_too_long") as refused:
            connect(ledger, server).get("/order/certificate/status-changes", {"minutes": "10080", "seconds": "604800"})
        assert refused.value.status == 400

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (b'{"errors":[{"code":"a|b","message":"c"}]}', ("a|b", "c")),
            (b'{"errors":{"code":"a","message":"c"}}', ("a", "c")),
            (b'{"error":{"code":"a"}}', ("a", "")),
            (b'{"errors":[]}', ("", "")),
            (b'{"errors":"no"}', ("", "")),
            (b'{"errors":[7]}', ("", "")),
            (b"[]", ("", "")),
            (b"<html>", ("", "")),
            (b'{"errors":[{"code":1,"message":"write to ann@customer.example"}]}', ("", "")),
            (b"[" * 100_000, ("", "")),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_what_a_refusal_says(self, content: bytes, expected: tuple[str, str]) -> None:
        assert said(content) == expected

    def test_nobody_there(self, ledger: Store) -> None:
        limits = limits_for(ledger.engine, "CertCentral", "k", WIDE)
        nobody = Client("CertCentral", "http://127.0.0.1:9", "X-DC-DEVKEY", "k", limits, timeout_seconds=2, parallel=1)
        with pytest.raises(RetriableError, match="GET /account failed: the host does not answer"):
            nobody.get("/account")


class TestKey:
    @pytest.mark.parametrize(
        "base_url",
        [
            "http://www.digicert.com/services/v2",
            "ftp://x/",
            "",
            "www.digicert.com",
            "https://u:p@host/",
            "https://h/?a",
        ],
    )
    def test_it_is_not_sent_where_others_could_read_it(self, ledger: Store, base_url: str) -> None:
        with pytest.raises(ConfigurationError, match="base_url"):
            Client("x", base_url, "h", "k", limits_for(ledger.engine, "x", "k", WIDE), timeout_seconds=1, parallel=1)

    def test_it_is_neither_logged_nor_in_addresses_or_errors(
        self, ledger: Store, server: CertCentral, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        server.fail("status", "/account", status=500, times=9)
        with pytest.raises(RetriableError) as failed:
            connect(ledger, server).get("/account", {"limit": "1"})
        assert server.key not in caplog.text + str(failed.value) + "".join(f"{call}" for call in server.log)
        assert caplog.text

    def test_a_redirect_is_not_followed(self, ledger: Store, server: CertCentral) -> None:
        server.fail("status", "/account", status=302)
        with pytest.raises(RefusedError, match="base_url does not lead to the API"):
            connect(ledger, server).get("/account")


class TestLimits:
    def test_the_service_never_has_to_refuse(self, prepared_store_url: Prepared) -> None:
        store = open_store(prepared_store_url("ledger", make_ledger))
        windows = ((20, 0.5), (60, 2.0))
        limits = limits_for(store.engine, "CertCentral", "k", tuple(Window(*window) for window in windows))
        with running_certcentral(World(), RollingLimits(windows)) as server:
            client = Client(
                "CertCentral", server.base_url, "X-DC-DEVKEY", server.key, limits, timeout_seconds=10, parallel=2
            )
            for _ in range(60):
                client.get("/account")
            assert server.answers == {200: 60}
        store.close()

    def test_each_key_has_its_own(self, ledger: Store) -> None:
        names = {limits_for(ledger.engine, "CertCentral", key, WIDE).name for key in ("one-key", "other-key")}
        assert len(names) == 2
        assert not any("key" in name for name in names)


def test_the_time_is_the_service_s(ledger: Store, server: CertCentral) -> None:
    client = connect(ledger, server)
    client.get("/account")
    assert abs((client.now() - server.world.clock.now()).total_seconds()) < 5
    client.close()
