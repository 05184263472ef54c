import pytest

from core import inbox
from tests.webhooks.conftest import Doors, told
from webhooks.app import WebLimits


def test_it_says_that_it_lives(doors: Doors) -> None:
    answer = doors.client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_it_says_whether_it_can_work(doors: Doors) -> None:
    assert doors.client.get("/readyz").status_code == 200
    with doors.store.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    answer = doors.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"error": "the database has no tables yet; run `nolapse migrate`"}


@pytest.mark.parametrize(
    ("method", "path", "code", "why"),
    [
        ("GET", "/nothing", 404, "there is nothing here"),
        ("GET", "/webhooks/renewals", 405, "this is not answered by that method"),
        ("DELETE", "/healthz", 405, "this is not answered by that method"),
    ],
)
def test_what_is_not_there_is_told_in_json(doors: Doors, method: str, path: str, code: int, why: str) -> None:
    answer = doors.client.open(path, method=method)
    assert (answer.status_code, answer.json) == (code, {"error": why})
    assert ("Allow" in answer.headers) == (code == 405)


def test_every_answer_is_guarded(doors: Doors) -> None:
    for path in ("/healthz", "/nothing", "/metrics"):
        headers = doors.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


def test_behind_a_proxy_the_scheme_is_the_proxys(doors: Doors) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    assert "Strict-Transport-Security" not in doors.client.get("/healthz", headers=said).headers
    doors.limits = WebLimits(proxies=1)
    assert "Strict-Transport-Security" in doors.client.get("/healthz", headers=said).headers


def test_nothing_of_what_went_wrong_inside_is_told_outside(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bool:
        raise KeyError("ann@acme.example")

    monkeypatch.setattr(inbox, "receive", broken)
    answer = doors.send(told())
    assert (answer.status_code, answer.json) == (500, {"error": "something went wrong; send it again later"})


def test_its_figures_count_events_requests_and_what_waits(doors: Doors) -> None:
    client = doors.client
    client.post("/webhooks/renewals")
    client.get("/healthz")
    doors.send(told())
    figures = client.get("/metrics").get_data(as_text=True)
    assert 'nolapse_web_events_total{door="renewals",outcome="refused_401"} 1.0' in figures
    assert 'nolapse_web_request_seconds_count{code="200",endpoint="operations.healthz"} 1.0' in figures
    assert 'nolapse_inbox{door="renewals",state="received"} 1.0' in figures
    assert "nolapse_store_up 1.0" in figures


def test_without_a_database_there_are_figures_all_the_same(doors: Doors) -> None:
    with doors.store.begin() as connection:
        connection.exec_driver_sql("DROP TABLE inbox")
    assert "nolapse_store_up 0.0" in doors.client.get("/metrics").get_data(as_text=True)
