import socket
from datetime import UTC, datetime, timedelta
from threading import Thread
from time import monotonic, sleep
from zoneinfo import ZoneInfoNotFoundError

import pytest
import urllib3

from tests.fakes.certcentral import KEY, CertCentral, RollingLimits, World, running_certcentral
from tests.fakes.certcentral.conftest import NOW
from tests.fakes.certcentral.limits import TRUE_WINDOWS
from tests.fakes.certcentral.process import certcentral_process
from tests.fakes.certcentral.talk import Talk


def test_a_wrong_key_and_none(world: World, server: CertCentral, talk: Talk) -> None:
    assert (talk.get("/account").status, talk.get("/account").headers["Date"]) == (200, "Sat, 21 Nov 2026 12:00:00 GMT")
    for key in ("wrong", ""):
        stranger = Talk(server.base_url, key, pool=talk.pool)
        assert (stranger.get("/account").status, stranger.get("/account").code) == (
            401,
            "access_denied|invalid_api_key",
        )
        assert stranger.get("/nowhere").status == 401
    world.quirks.wrong_key_status = 403
    assert Talk(server.base_url, "wrong", pool=talk.pool).get("/account").status == 403


def test_a_key_is_good_in_its_own_region_only(world: World, server: CertCentral, talk: Talk) -> None:
    world.add_key("european", region="eu")
    in_europe = Talk(server.eu_base_url, "european", pool=talk.pool)
    assert in_europe.get("/account").status == 200
    assert Talk(server.eu_base_url, server.key, pool=talk.pool).get("/account").status == 401
    assert Talk(server.base_url, "european", pool=talk.pool).get("/account").status == 401


def test_a_view_only_key_may_not_write(world: World, server: CertCentral, talk: Talk) -> None:
    world.add_key("reader", "102 View Only")
    world.add_key("orders", "100 Orders")
    order = world.add()
    path = f"/order/certificate/{order.id}/renewal-emails/disabled"
    reader = Talk(server.base_url, "reader", pool=talk.pool)
    assert reader.get(f"/order/certificate/{order.id}").status == 200
    assert (reader("PUT", path).status, reader("PUT", path).code) == (403, "access_denied|view_only")
    assert not world.order(order.id).notices_off
    assert Talk(server.base_url, "orders", pool=talk.pool)("PUT", path).status == 204
    assert world.order(order.id).notices_off


def test_a_key_for_orders_may_do_nothing_else(world: World, server: CertCentral, talk: Talk) -> None:
    world.add_key("orders", "100 Orders")
    orders = Talk(server.base_url, "orders", pool=talk.pool)
    body = {"endpoint": "https://hear.example"}
    assert orders("POST", "/webhook", body).code == "access_denied|restricted"
    assert orders.get("/account").status == 200
    world.quirks.orders_key_reads_all = False
    assert orders.get("/account").code == "access_denied|restricted"
    for path in ("/order/certificate", "/report/order/expiring"):
        assert orders.get(path).status == 200
    with pytest.raises(ValueError, match="the restriction is one of"):
        world.add_key("odd", "103 Odd")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found|route"),
        ("GET", "/order/certificate/", 404, "not_found|route"),
        ("GET", "/account?x=1", 400, "invalid_parameter|x"),
        ("DELETE", "/account", 405, "method_not_allowed"),
        ("HEAD", "/account", 405, None),
        ("OPTIONS", "/account", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_is_refused(talk: Talk, method: str, path: str, status: int, code: str | None) -> None:
    answer = talk(method, path)
    assert answer.status == status
    assert code is None or answer.code == code


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "invalid_json"),
        (b"[]", {}, 400, "invalid_json"),
        (b"", {}, 400, "invalid_json"),
        ({}, {}, 400, "missing_parameter|custom_renewal_message"),
        ({"custom_renewal_message": 5}, {}, 400, "invalid_value|custom_renewal_message"),
        ({"custom_renewal_message": "x", "more": 1}, {}, 400, "invalid_parameter|more"),
        ({"custom_renewal_message": "x"}, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    ],
)
def test_bodies_are_held_to_their_shape(
    world: World, talk: Talk, body: object, headers: dict[str, str], status: int, code: str
) -> None:
    order = world.add()
    answer = talk("PUT", f"/order/certificate/{order.id}/custom-renewal-message", body, **headers)
    assert (answer.status, answer.code) == (status, code)


def test_a_switch_is_not_a_number(world: World, talk: Talk) -> None:
    order = world.add()
    assert talk("PUT", f"/order/certificate/{order.id}/auto-reissue", {"auto_reissue": True}).status == 400
    assert talk("PUT", f"/order/certificate/{order.id}/auto-reissue", {"auto_reissue": 1}).status == 204


def test_headers_that_have_to_be_there(talk: Talk) -> None:
    assert talk.get("/account", accept="text/csv").code == "not_acceptable"
    assert talk.get("/account", **{"User-Agent": ""}).code == "missing_parameter|User-Agent"
    assert talk("GET", "/account", {"a": 1}).code == "invalid_body"


def test_errors_come_as_a_list_or_as_an_object(world: World, talk: Talk) -> None:
    message = "Nothing lives here."
    assert talk.get("/nowhere").json == {"errors": [{"code": "not_found|route", "message": message}]}
    world.quirks.errors = "object"
    assert talk.get("/nowhere").json == {"errors": {"code": "not_found|route", "message": message}}


def test_calls_are_counted_by_route(world: World, server: CertCentral, talk: Talk) -> None:
    for _ in range(2):
        talk.get(f"/order/certificate/{world.add().id}")
    talk.get("/order/certificate?limit=1")
    talk.get("/nowhere")
    assert server.calls == {"GET /order/certificate/{order_id}": 2, "GET /order/certificate": 1, "GET /nowhere": 1}
    assert server.answers == {200: 3, 404: 1}
    call = server.log[2]
    assert (call.method, call.path, call.query, call.status) == ("GET", "/order/certificate", "limit=1", 200)
    server.forget()
    assert not server.calls
    assert not server.answers
    assert not server.log


class Watch:
    """Seconds that pass as a test says."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_true_limits_roll() -> None:
    watch = Watch()
    limits = RollingLimits(clock=watch)
    assert limits.windows == TRUE_WINDOWS == ((1000, 180.0), (100, 5.0))
    assert [limits.admit("a") for _ in range(101)] == [True] * 100 + [False]
    assert limits.admit("b"), "each key has its own"
    watch.seconds = 4.9
    assert not limits.admit("a")
    watch.seconds = 5.0
    assert limits.admit("a")
    for step in range(1, 10):
        watch.seconds = 5.0 * step
        while limits.admit("a"):
            pass
    watch.seconds = 179.9
    assert not limits.admit("a"), "a thousand in three minutes"
    watch.seconds = 180.0
    assert [limits.admit("a") for _ in range(101)] == [True] * 100 + [False]


def test_refused_calls_may_count_too() -> None:
    watch = Watch()
    strict = RollingLimits(((1, 5.0),), clock=watch)
    lenient = RollingLimits(((1, 5.0),), clock=watch)
    for seconds in (0.0, 3.0, 6.0):
        watch.seconds = seconds
        admitted = strict.admit("a", refused_count=True), lenient.admit("a")
    assert admitted == (False, True)


def test_limits_are_answered_429(world: World, server: CertCentral, talk: Talk) -> None:
    server.limits = RollingLimits(((3, 5.0),), clock=(watch := Watch()))
    assert [talk.get("/account").status for _ in range(4)] == [200, 200, 200, 429]
    refused = talk.get("/account")
    assert refused.json == {
        "errors": [{"code": "request_limit_exceeded", "message": "Service unavailable, please limit request volume"}]
    }
    assert "Retry-After" not in refused.headers
    world.quirks.retry_after = 7
    assert talk.get("/account").headers["Retry-After"] == "7"
    watch.seconds = 5.0
    assert talk.get("/account").status == 200
    assert server.answers[429] == 3


def test_the_scale_shortens_the_windows(server: CertCentral, talk: Talk) -> None:
    server.limits = RollingLimits(((2, 100.0),), scale=0.01, clock=(watch := Watch()))
    assert [talk.get("/account").status for _ in range(3)] == [200, 200, 429]
    watch.seconds = 0.9
    assert talk.get("/account").status == 429
    watch.seconds = 1.0
    assert talk.get("/account").status == 200


def test_it_fails_as_it_is_told(server: CertCentral, talk: Talk) -> None:
    server.fail("status", "/account", status=503, retry_after="2", times=2, after=1)
    assert [talk.get("/account").status for _ in range(4)] == [200, 503, 503, 200]
    trouble = server.fail("status", status=429, method="GET")
    answer = talk.get("/container")
    assert (answer.status, answer.code, trouble.befell) == (429, "request_limit_exceeded", 1)
    assert "Retry-After" not in answer.headers
    server.fail("status", "/account", exact=True)
    assert [talk.get(path).status for path in ("/account/metadata", "/account", "/account")] == [200, 500, 200]
    server.fail("status", times=1000)
    assert (talk.get("/account").status, talk.get("/account").code) == (500, "internal_error")
    server.mend()
    assert talk.get("/account").status == 200


def test_it_answers_nonsense_as_it_is_told(server: CertCentral, talk: Talk) -> None:
    server.fail("malformed", "/account")
    assert talk.get("/account").content.startswith(b"<html>")
    server.fail("truncated", "/account")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        _ = talk.get("/account").json
    assert talk.get("/account").json["id"] == 110_022


@pytest.mark.parametrize("path", ["/account", "/report/order"])
def test_it_cuts_the_connection_amid_the_answer(server: CertCentral, talk: Talk, path: str) -> None:
    server.world.add()
    accept = "text/csv" if path == "/report/order" else "application/json"
    server.fail("cut", path)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        talk.get(path, accept=accept)
    assert talk.get(path, accept=accept).status == 200


def test_a_write_may_happen_although_its_answer_is_cut(world: World, server: CertCentral, talk: Talk) -> None:
    order = world.add(status="pending")
    server.fail("cut", "/order/certificate", method="PUT")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        talk("PUT", f"/order/certificate/{order.id}/renewal-emails/disabled")
    assert world.order(order.id).notices_off


def test_it_is_slow_as_it_is_told(server: CertCentral, talk: Talk) -> None:
    server.fail("slow", "/account", seconds=0.3)
    began = monotonic()
    assert talk.get("/account").status == 200
    assert monotonic() - began >= 0.3


def test_it_stops_while_somebody_waits(world: World) -> None:
    with running_certcentral(world) as server:
        trouble = server.fail("slow", seconds=60)
        talk = Talk(server.base_url, server.key)
        told: list[int | None] = []

        def wait() -> None:
            try:
                told.append(talk.get("/account").status)
            except urllib3.exceptions.HTTPError:
                told.append(None)

        thread = Thread(target=wait)
        thread.start()
        until = monotonic() + 10
        while not trouble.befell and monotonic() < until:
            sleep(0.01)
        began = monotonic()
    thread.join(10)
    assert monotonic() - began < 5
    assert len(told) == 1, "whoever waited was told something, or cut off"
    talk.pool.clear()


def test_a_page_changes_while_somebody_pages(world: World, server: CertCentral, talk: Talk) -> None:
    ids = [world.add().id for _ in range(4)]
    server.fail("meanwhile", "/order/certificate", after=1, do=lambda: world.vanish(ids[0]))
    assert talk.orders("?limit=2&offset=0") == ids[:2]
    assert talk.orders("?limit=2&offset=2") == ids[3:], "the third has moved to the first page"


def test_several_talk_at_once(world: World, server: CertCentral, talk: Talk) -> None:
    world.add()
    threads = [Thread(target=lambda: [talk.get("/order/certificate") for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.calls == {"GET /order/certificate": 40}


def test_a_fault_of_the_stand_in_itself_is_not_kept_quiet(world: World) -> None:
    world.quirks.status_zone = "Nowhere"
    path = "/order/certificate/status-changes?filters[status_last_updated]=2026-11-20...2026-11-21"
    answers = []

    def ask() -> None:
        with running_certcentral(world) as server:
            talk = Talk(server.base_url, server.key)
            answers.append(talk.get(path).code)
            talk.pool.clear()

    with pytest.raises(ZoneInfoNotFoundError):
        ask()
    assert answers == ["fault_of_the_stand-in"]


def test_nobody_listens_any_more(world: World) -> None:
    with running_certcentral(world) as server:
        pass
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", server.port), timeout=2):
        pass


def test_a_moving_clock() -> None:
    world = World()
    before = datetime.now(UTC)
    assert before <= world.clock.now() <= datetime.now(UTC)
    world.clock.set(NOW)
    assert timedelta() <= world.clock.now() - NOW < timedelta(seconds=5)
    world.advance(timedelta(days=2))
    assert world.clock.today() == (NOW + timedelta(days=2)).date()


def test_a_process_of_its_own() -> None:
    with certcentral_process(50, 10, 5, scale=0.001) as other:
        talk = Talk(other.base_url, other.key)
        assert other.key == KEY
        assert len(talk.orders("?limit=40&offset=20")) == 30
        talk.get("/nowhere")
        assert other.told() == {
            "calls": {"GET /order/certificate": 1, "GET /nowhere": 1},
            "answers": {"200": 1, "404": 1},
        }
        talk.pool.clear()
