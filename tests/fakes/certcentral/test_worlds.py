import tracemalloc
from datetime import date, timedelta
from pathlib import Path
from time import process_time

import pytest

from cli.sample import write_sample
from core.words import OrderStatus, Role
from tests.builders import account, facts, person
from tests.fakes.certcentral import World, no_limits, running_certcentral
from tests.fakes.certcentral.answers import list_row
from tests.fakes.certcentral.conftest import NOW, TODAY
from tests.fakes.certcentral.portfolio import SeededPortfolio
from tests.fakes.certcentral.sample import SampleWorld, world_of
from tests.fakes.certcentral.talk import Talk


def test_a_portfolio_holds_what_it_promises() -> None:
    portfolio = SeededPortfolio(2000, TODAY, in_window=100, lacking=20)
    orders = [portfolio.order(one) for one in portfolio.ids]
    left = [(one.ends_on - TODAY).days for one in orders if one.ends_on]
    assert sum(-7 <= days <= 90 for days in left) == 100
    in_window = [one for one in orders if one.ends_on and -7 <= (one.ends_on - TODAY).days <= 90]
    assert sum(one.technical is None for one in in_window) == 20
    assert sum(one.technical is None for one in orders) == 20
    for one in orders:
        assert one.certificate is not None
        assert one.ends_on is not None
        assert one.certificate.valid_from <= TODAY
        assert one.certificate.valid_till <= one.ends_on
        assert (one.certificate.valid_till - one.certificate.valid_from).days <= 397
    running = [one for one in orders if one.ends_on and (one.ends_on - TODAY).days > 90]
    assert min((one.certificate.valid_till - TODAY).days for one in running if one.certificate) > 60
    assert [portfolio.order(one) for one in portfolio.ids] == orders, "the same again"
    renewed = SeededPortfolio(2000, TODAY, in_window=100, renewed=True)
    assert sum(renewed.order(one.id).is_renewed for one in in_window) == 20
    assert not any(one.is_renewed for one in in_window)
    assert SeededPortfolio(2000, TODAY, 100, 20, seed=2).order(portfolio.ids[7]) != orders[7]


def test_a_portfolio_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="lacking is part of in_window"):
        SeededPortfolio(10, TODAY, in_window=5, lacking=6)


def test_a_portfolio_of_a_hundred_thousand_is_there_at_once() -> None:
    tracemalloc.start()
    began = process_time()
    world = World(at=NOW, portfolio=SeededPortfolio(100_000, TODAY, 3000, 500))
    with running_certcentral(world, no_limits()) as server:
        talk = Talk(server.base_url, server.key)
        told = talk.get("/order/certificate?limit=1000&offset=99000").json
        assert (told["page"]["total"], len(told["orders"])) == (100_000, 1000)
        talk.pool.clear()
    took, (_, peak) = process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 5
    assert peak < 40_000_000


def test_an_order_of_a_portfolio_changes() -> None:
    world = World(at=NOW, portfolio=SeededPortfolio(100, TODAY, 10))
    ids = world.order_ids()
    new = world.renew(ids[5])
    assert (new.id, world.order(ids[5]).is_renewed, len(world.order_ids())) == (ids[-1] + 1, True, 101)
    world.vanish(ids[5])
    world.vanish(ids[6])
    assert world.find(ids[5]) is None
    assert world.order_ids() == [*ids[:5], *ids[7:], new.id]
    world.come_back(ids[6])
    assert ids[6] in world.order_ids()
    assert world.change(ids[6], notices_off=True).notices_off
    assert len(world.all_containers()) == 6
    house = next(one.organisation for one in world.orders() if one.organisation)
    assert world.organisation(house) is not None
    assert world.organisation(1) is None
    assert world.container(77).name == "Division 77"
    with pytest.raises(KeyError):
        world.order(1)


def test_the_sample_portfolio_day_by_day(tmp_path: Path) -> None:
    sample = write_sample(tmp_path, date(2026, 7, 25))
    played = SampleWorld(sample)
    world = played.world
    assert world.order_ids() == sorted(int(one.id) for one in sample.orders)
    for one in sample.orders:
        order = world.order(int(one.id))
        assert (order.names, order.ends_on, order.auto_renew) == (one.names, one.ends_on, one.auto_renew)
        assert one.certificate is not None
        assert order.certificate is not None
        assert (order.certificate.id, order.certificate.valid_till) == (
            int(one.certificate.id), one.certificate.valid_till,
        )  # fmt: skip
    played.advance_to(sample.start + timedelta(days=sample.days - 1))
    assert world.clock.today() == sample.start + timedelta(days=sample.days - 1)
    for event in sample.events:
        if event.kind in ("renewed", "auto_renewed", "issued"):
            old, new = (world.order(int(one)) for one in event.order_ids)
            assert (old.is_renewed, old.renewed_by, new.renewal_of, new.status) == (True, new.id, old.id, "issued")
        elif event.kind == "replaced":
            old, new = (world.order(int(one)) for one in event.order_ids)
            assert (old.is_renewed, new.renewal_of, set(old.names) < set(new.names)) == (False, 0, True)
        elif event.kind == "reissued":
            assert world.order(int(event.order_ids[0])).reissues >= 1
        elif event.kind in ("revoked", "cancelled"):
            status = world.order(int(event.order_ids[0])).status
            assert status == {"revoked": "revoked", "cancelled": "canceled"}[event.kind]
    with pytest.raises(ValueError, match="is before"):
        played.advance_to(sample.start)


def test_days_of_the_sample_show_among_the_status_changes(tmp_path: Path) -> None:
    sample = write_sample(tmp_path, date(2026, 7, 25))
    played = SampleWorld(sample)
    day = next(event.day for event in sample.events if event.kind == "placed")
    played.advance_to(day)
    placed = next(event for event in sample.on(day) if event.kind == "placed")
    with running_certcentral(played.world, no_limits()) as server:
        talk = Talk(server.base_url, server.key)
        rows = talk.get("/order/certificate/status-changes?minutes=1439").json["orders"]
        assert {"order_id": int(placed.order_ids[1]), "status": "pending"}.items() <= next(
            row for row in rows if row["order_id"] == int(placed.order_ids[1])
        ).items()
        names = {row["name"] for row in talk.get("/container").json["containers"]}
        assert "Larkfield Tea Traders" in names
        talk.pool.clear()


def test_a_world_of_the_engines_own_orders() -> None:
    people = (
        person("ann@acme.example", Role.ORGANISATION, name="Ann Bee"),
        person("bo@acme.example", Role.TECHNICAL, Role.REQUESTER, name="Bo Cee"),
    )
    first = facts("11", ends_on=date(2027, 1, 5), people=people, renewed_by="digicert:13", auto_renew=True)
    second = facts("12", ends_on=date(2027, 1, 6), product_id="ssl_dv_rapidssl")
    third = facts(
        "13", ends_on=date(2027, 1, 7), status=OrderStatus.PENDING, certificate_expires_on=None,
        account=account("blue", country="FR"), renewal_of="digicert:11",
    )  # fmt: skip
    world = world_of([first, second, third], NOW)
    one, two, three = (world.order(number) for number in (11, 12, 13))
    assert (one.ends_on, one.renewed_by, one.auto_renew, one.price) == (date(2027, 1, 5), 13, True, "500.00")
    assert one.technical == one.user
    assert one.organisation_contact is not None
    assert (one.organisation_contact.first_name, one.organisation_contact.last_name) == ("Ann", "Bee")
    assert (one.container, two.organisation) == (two.container, 0)
    house = world.organisation(three.organisation)
    assert house is not None
    assert (house.country, three.status, three.renewal_of, three.certificate) == ("fr", "pending", 11, None)
    assert three.container != one.container
    assert "serial_number" not in list_row(world, three)["certificate"]
