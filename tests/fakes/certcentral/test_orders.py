import pytest

from tests.fakes.certcentral import World, person
from tests.fakes.certcentral.conftest import ending
from tests.fakes.certcentral.talk import Talk


def test_a_row_of_the_list(world: World, talk: Talk) -> None:
    house = world.add_organisation("Acme Ltd", country="de")
    division = world.add_container("North")
    order = world.add(
        names=("a.example", "b.example"), ends_on=ending(29), organisation=house.id, container=division.id, price="268",
        multi_year=True, technical=person("Ann Bee", "ann@a.example"),
    )  # fmt: skip
    (row,) = talk.get("/order/certificate").json["orders"]
    assert row.pop("certificate") == {
        "id": order.id * 100 + 1,
        "common_name": "a.example",
        "dns_names": ["a.example", "b.example"],
        "signature_hash": "sha256",
        "serial_number": "23A8C5FB4B653272B31AE51125F47637",
        "valid_from": "2025-12-20",
        "valid_till": "2026-12-20",
        "days_remaining": 29,
        "cert_validity": {"days": 365},
    }
    assert row == {
        "id": order.id,
        "status": "issued",
        "is_renewed": False,
        "date_created": "2025-12-20T09:30:00+00:00",
        "organization": {"id": house.id, "name": "Acme Ltd"},
        "validity_years": 1,
        "order_validity": {"years": 1},
        "order_valid_till": "2026-12-20",
        "disable_renewal_notifications": False,
        "container": {"id": division.id, "name": "North", "is_active": True},
        "product": {"name_id": "ssl_basic", "name": "Basic OV", "type": "ssl_certificate"},
        "duplicates_count": 0,
        "has_duplicates": False,
        "reissues_count": 0,
        "has_reissues": False,
        "price": 268,
        "product_name_id": "ssl_basic",
        "number_of_sans": 2,
        "is_multi_year_plan": "1",
    }


def test_an_order_that_was_never_issued_has_no_dates(world: World, talk: Talk) -> None:
    order = world.add(status="pending", product="ssl_dv_rapidssl")
    (row,) = talk.get("/order/certificate").json["orders"]
    assert not {"order_valid_till", "organization", "is_multi_year_plan"} & set(row)
    assert not {"serial_number", "valid_from", "valid_till", "days_remaining"} & set(row["certificate"])
    told = talk.get(f"/order/certificate/{order.id}").json
    assert not {"order_valid_till", "order_valid_from", "organization", "organization_contact"} & set(told)
    assert told["requests"][0]["status"] == "pending"
    (line,) = talk.get("/report/order", accept="text/csv").rows
    assert (line["valid_from"], line["valid_till"], line["serial_number"]) == ("", "", "")


def test_pages(world: World, talk: Talk) -> None:
    ids = [world.add().id for _ in range(7)]
    told = talk.get("/order/certificate?limit=3&offset=3").json
    assert [row["id"] for row in told["orders"]] == ids[3:6]
    assert told["page"] == {"total": 7, "limit": 3, "offset": 3}
    assert talk.get("/order/certificate?limit=5000").json["page"] == {"total": 7, "limit": 1000, "offset": 0}
    assert talk.get("/order/certificate?offset=7").json == {}


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=ten", "offset=-1", "offset=1.5", "offset="])
def test_a_page_that_is_none_is_refused(talk: Talk, query: str) -> None:
    assert talk.get(f"/order/certificate?{query}").status == 400


def test_nothing_is_an_empty_object_or_an_empty_list(world: World, talk: Talk) -> None:
    assert talk.get("/order/certificate").content == b"{}"
    world.quirks.empty_object = False
    assert talk.get("/order/certificate").json == {"orders": [], "page": {"total": 0, "limit": 1000, "offset": 0}}


@pytest.fixture
def several(world: World) -> dict[str, int]:
    """Orders by what is special about them."""
    house = world.add_organisation("Acme Ltd", id=7)
    said = {
        "plain": {"ends_on": ending(20), "organisation": house.id},
        "renewed": {"ends_on": ending(30), "is_renewed": True, "renewed_by": 5},
        "silent": {"ends_on": ending(200), "notices_off": True, "names": ("quiet.example", "still.example")},
        "pending": {"status": "pending", "container": 3},
        "ended": {"ends_on": ending(-3), "origin": "migrated"},
        "other": {
            "ends_on": ending(90), "product": "ssl_dv_rapidssl", "user": person("Bo", "bo@b.example"), "user_id": 44,
        },
    }  # fmt: skip
    return {name: world.add(**what).id for name, what in said.items()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filters[status]=pending", "pending"),
        ("filters[status]=issued", "plain renewed silent ended other"),
        ("filters[status][0]=pending&filters[status][1]=rejected", "pending"),
        ("filters[is_renewed]=1", "renewed"),
        ("filters[is_renewed]=0&filters[status]=issued", "plain silent ended other"),
        ("filters[disable_renewal_notifications]=1", "silent"),
        ("filters[organization_id]=7", "plain"),
        ("filters[container_id]=3", "pending"),
        ("filters[origin]=migrated", "ended"),
        ("filters[user_id]=44", "other"),
        ("filters[email]=bo@b.example", "other"),
        ("filters[search]=bo@b.example", "other"),
        ("filters[search]=quiet.example", "silent"),
        ("filters[product_name_id][0]=ssl_dv_rapidssl&filters[product_name_id][1]=ssl_plus", "other"),
        ("filters[common_name]=QUIET.example", "silent"),
        ("filters[common_name]=still.example", ""),
        ("filters[domain_name]=still.example", "silent"),
        ("filters[domain_name]=%25still%25", "silent"),
        ("filters[valid_till]=2026-12-11", "plain"),
        ("filters[valid_till]=%3E2026-12-11&filters[is_renewed]=0", "silent other"),
        ("filters[valid_till]=%3C2026-12-11", "ended"),
        ("filters[valid_till]=2026-12-11...2026-12-21", "plain renewed"),
        ("filters[valid_till]=2026-12-11+00:00:00...2026-12-11+10:00:00", "plain"),
        ("filters[date_created]=%3E2026-11-20", "pending"),
    ],
)
def test_filters(several: dict[str, int], talk: Talk, query: str, found: str) -> None:
    assert talk.orders(f"?{query}") == [several[name] for name in found.split()]


def test_a_filter_by_number(world: World, several: dict[str, int], talk: Talk) -> None:
    order = world.order(several["plain"])
    assert order.certificate is not None
    serial = talk.get(f"/order/certificate/{order.id}").json["certificate"]["serial_number"]
    field = world.add_field("CRM record")
    world.change(order.id, custom_fields=((field.id, "x"),))
    for query in (f"id]={order.id}", f"certificate_id]={order.certificate.id}", f"serial_number]={serial}",
                  f"metadata_id]={field.id}"):  # fmt: skip
        assert talk.orders(f"?filters[{query}") == [order.id]


@pytest.mark.parametrize(
    "query",
    [
        "filters[order_valid_till]=2026-12-11", "filters[status]=expired", "filters[status]=nonsense",
        "filters[valid_till]=11/12/2026", "filters[valid_till]=2026-13-01", "filters[valid_till]=2026-12-11...",
        "filters[valid_till]=2026-12-21...2026-12-11", "filters[is_renewed]=true", "filters[id]=abc",
        "filters[common_name]=", "filters[id]=1&filters[id]=2", "page=2", "limit=1&limit=2", "sort=colour",
        "filters=issued",
    ],
)  # fmt: skip
def test_what_the_documentation_does_not_name_is_refused(talk: Talk, query: str) -> None:
    assert talk.get(f"/order/certificate?{query}").status == 400


def test_quirks_of_filters(world: World, several: dict[str, int], talk: Talk) -> None:
    world.quirks.filter_knows_expired = True
    assert talk.orders("?filters[status]=expired") == [several["ended"]]
    told_so = world.add(status="expired", ends_on=ending(-9)).id
    assert talk.orders("?filters[status]=expired") == [several["ended"], told_so]
    assert told_so in talk.orders("?filters[status]=issued")
    world.quirks.combines_is_renewed = False
    assert talk.get("/order/certificate?filters[is_renewed]=0&filters[valid_till]=%3E2026-01-01").status == 400


def test_order_of_rows(world: World, several: dict[str, int], talk: Talk) -> None:
    ids = sorted(several.values())
    assert talk.orders("?sort=-order_id") == ids[::-1]
    by_end = ["pending", "ended", "plain", "renewed", "silent", "other"]  # the certificate of the silent one ends first
    assert talk.orders("?sort=valid_till") == [several[name] for name in by_end]
    assert talk.orders("?sort=%2Bstatus,-order_id")[0] == several["ended"]
    assert talk.orders("?sort=+product_name,-valid_till")[0] == several["silent"]
    world.quirks.sort_needs_sign = True
    assert talk.get("/order/certificate?sort=status").status == 400
    assert talk.orders("?sort=-order_id") == ids[::-1]


def test_a_list_is_worked_out_afresh_when_something_changes(world: World, talk: Talk) -> None:
    first, second = world.add(), world.add()
    query = "?filters[is_renewed]=0"
    assert talk.orders(query) == [first.id, second.id]
    world.change(first.id, is_renewed=True)
    assert talk.orders(query) == [second.id]
    world.vanish(second.id)
    assert talk.orders(query) == []
    assert talk.get(f"/order/certificate/{second.id}").code == "not_found|order"


@pytest.mark.parametrize(("how", "words"), [("expired", 2), ("issued", 0), ("mixed", 1)])
def test_what_an_ended_order_is_called(world: World, talk: Talk, how: str, words: int) -> None:
    world.quirks.ended_status = how  # type: ignore[assignment]
    for _ in range(2):
        world.add(ends_on=ending(-1))
    rows = talk.get("/order/certificate?filters[status]=issued").json["orders"]
    assert [row["status"] for row in rows].count("expired") == words
    assert len(rows) == 2


@pytest.mark.parametrize(("how", "told"), [("always", 2), ("some", 1), ("never", 0)])
def test_rows_of_the_list_may_lack_the_end_of_the_order(world: World, talk: Talk, how: str, told: int) -> None:
    world.quirks.list_order_end = how  # type: ignore[assignment]
    first = world.add(ends_on=ending(10))
    world.add(ends_on=ending(10))
    rows = talk.get("/order/certificate").json["orders"]
    assert sum("order_valid_till" in row for row in rows) == told
    assert talk.get(f"/order/certificate/{first.id}").json["order_valid_till"] == str(ending(10))


def test_the_list_as_csv(world: World, talk: Talk) -> None:
    order = world.add(names=("a.example",), ends_on=ending(3))
    (row,) = talk.get("/order/certificate", accept="text/csv").rows
    assert (row["id"], row["common_name"], row["order_valid_till"]) == (str(order.id), "a.example", str(ending(3)))


def test_order_info(world: World, talk: Talk) -> None:
    house = world.add_organisation("Acme Ltd", country="de", city="Bonn")
    ann, bo = person("Ann Bee", "ann@a.example", "+1 1"), person("Bo Cee", "bo@a.example")
    field = world.add_field("CRM record", id=12)
    order = world.add(
        ends_on=ending(29), organisation=house.id, organisation_contact=ann, technical=bo, user=bo, user_id=9,
        auto_renew=True, custom_fields=((field.id, "006X"),), price="268.50", additional_emails=("more@a.example",),
    )  # fmt: skip
    told = talk.get(f"/order/certificate/{order.id}").json
    assert told["organization"]["country"] == "de"
    assert told["organization_contact"] == {
        "first_name": "Ann", "last_name": "Bee", "email": "ann@a.example", "telephone": "+1 1", "job_title": "",
    }  # fmt: skip
    assert told["technical_contact"]["email"] == "bo@a.example"
    assert told["user"] == {"id": 9, "first_name": "Bo", "last_name": "Cee", "email": "bo@a.example"}
    assert told["custom_fields"] == [{"metadata_id": 12, "label": "CRM record", "value": "006X"}]
    assert (told["auto_renew"], told["price"], told["currency"]) == (1, 268.5, "USD")
    assert (told["is_renewal"], told["is_renewed"], told["renewed_order_id"]) == (False, False, 0)
    assert told["additional_emails"] == ["more@a.example"]
    certificate = told["certificate"]
    for other in (certificate["serial_number"], certificate["thumbprint"].lower()):
        assert talk.get(f"/order/certificate/{other}").json["id"] == order.id
    for wrong in ("1", "x", "f" * 40):
        assert talk.get(f"/order/certificate/{wrong}").status == 404
    assert "send_minus_90" not in told
    world.quirks.notice_switches = True
    assert talk.get(f"/order/certificate/{order.id}").json["send_plus_7"] is True


def test_how_a_renewal_is_told(world: World, talk: Talk) -> None:
    old = world.add(ends_on=ending(20))
    new = world.renew(old.id)

    def told(order_id: int) -> tuple[object, ...]:
        info = talk.get(f"/order/certificate/{order_id}").json
        return info["is_renewed"], info.get("renewed_order_id"), info.get("renewal_of_order_id")

    assert (told(old.id), told(new.id)) == ((True, new.id, None), (False, 0, old.id))
    world.quirks.renewed_order_id = "older"
    assert (told(old.id), told(new.id)) == ((True, 0, None), (False, old.id, old.id))
    world.quirks.renewed_order_id = "absent"
    world.quirks.renewal_of_in_info = False
    assert (told(old.id), told(new.id)) == ((True, None, None), (False, None, None))
    assert "renewal_of_order_id" not in talk.get("/order/certificate").json["orders"][1]
    world.quirks.renewal_of_in_list = True
    assert talk.get("/order/certificate").json["orders"][1]["renewal_of_order_id"] == old.id


def test_other_quirks_of_orders(world: World, talk: Talk) -> None:
    order = world.add(product="code_signing", names=("Acme Ltd",), status="on_hold")
    world.quirks.more_fields = {"colour": "blue"}
    (row,) = talk.get("/order/certificate").json["orders"]
    assert (row["status"], row["colour"]) == ("on_hold", "blue")
    assert "dns_names" not in row["certificate"]
    world.quirks.no_names = "blank"
    told = talk.get(f"/order/certificate/{order.id}").json
    assert (told["certificate"]["dns_names"], told["colour"]) == ([" "], "blue")


def test_the_report(world: World, talk: Talk) -> None:
    house = world.add_organisation("Acme, Ltd", country="de", city="Bonn")
    old = world.add(ends_on=ending(20), organisation=house.id, technical=person("Ann Bee", "ann@a.example"),
                    names=("a.example", "b.example"), notices_off=True)  # fmt: skip
    new = world.renew(old.id)
    answer = talk.get("/report/order", accept="text/csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    header = answer.content.partition(b"\n")[0].decode().split(",")
    assert (len(header), header[0], header[34], header[-1]) == (54, '"order_id"', '"csr"', '"user_email"')
    first, second = answer.rows
    assert {name: first[name] for name in (
        "order_id", "date_created", "organization_name", "organization_country", "tech_email", "dns_names",
        "is_renewed", "renewed_order_id", "disable_renewal_notifications", "auto_renew", "validity_years",
    )} == {
        "order_id": str(old.id), "date_created": "2025-12-11 09:30:00", "organization_name": "Acme, Ltd",
        "organization_country": "de", "tech_email": "ann@a.example", "dns_names": "a.example,b.example",
        "is_renewed": "1", "renewed_order_id": str(new.id), "disable_renewal_notifications": "1", "auto_renew": "0",
        "validity_years": "1",
    }  # fmt: skip
    assert "\n" in first["csr"]
    assert "order_valid_till" not in first
    assert (second["order_id"], second["renewed_order_id"]) == (str(new.id), "0")
    world.quirks.report_order_end = world.quirks.renewal_of_in_report = True
    first, second = talk.get("/report/order", accept="text/csv").rows
    assert (first["order_valid_till"], second["renewal_of_order_id"]) == (str(ending(20)), str(old.id))


def test_pages_and_filters_of_the_report(world: World, talk: Talk) -> None:
    ids = [str(world.add(is_renewed=number == 0).id) for number in range(5)]

    def report(query: str) -> list[str]:
        return [row["order_id"] for row in talk.get(f"/report/order{query}", accept="text/csv").rows]

    assert report("?limit=2&offset=2") == ids[2:4]
    assert report("?filters[is_renewed]=0") == ids[1:]
    assert report("?offset=5") == []
    for query in ("sort=order_id", "filters[email]=a@b.example", "filters[status]=expired"):
        assert talk.get(f"/report/order?{query}", accept="text/csv").status == 400


def test_counts_of_what_ends_soon(world: World, talk: Talk) -> None:
    for days in (90, 60, 59, 30, 29, 0, -1, -7, -8, 91):
        world.add(ends_on=ending(days))
    world.add(ends_on=ending(10), is_renewed=True)
    told = talk.get("/report/order/expiring").json
    assert {one["days_expiring"]: one["order_count"] for one in told["expiring_orders"]} == {90: 2, 60: 2, 30: 1, -7: 3}
    with_certificates = talk.get("/report/order/expiring?include_expiring_certs=true&container_id=1").json
    assert with_certificates["expiring_orders"][0] == {"days_expiring": 90, "count": 2}
    assert len(with_certificates["expiring_certificates"]) == 4
    assert talk.get("/report/order/expiring?container_id=99").json["expiring_orders"][0]["order_count"] == 0
    assert talk.get("/report/order/expiring?include_expiring_certs=yes").status == 400
    world.quirks.counts_renewed = True
    assert talk.get("/report/order/expiring").json["expiring_orders"][2] == {"days_expiring": 30, "order_count": 2}
