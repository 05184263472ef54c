"""A pass over a report: digests, doubles, faults, and rows that are parsed only when they are asked for."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from connectors.order_report.client import CsvFile
from connectors.order_report.mapping import NEEDED, USED, Reading, to_facts
from connectors.order_report.scan import ReportStream
from core.errors import RetriableError
from core.model import BadRow, OrderFacts, Reject, SourceRow
from tests.connectors.order_report.rows import PLAIN, row, write

READ: Callable[[dict[str, str]], OrderFacts] = partial(to_facts, reading=Reading())


def stream(path: str, salt: bytes = b"salt") -> ReportStream:
    return ReportStream(CsvFile(path, "path", NEEDED), "digicert", USED, READ, salt)


def rows_of(found: ReportStream) -> list[SourceRow]:
    return [one for one in found if isinstance(one, SourceRow)]


def rejects_of(found: ReportStream) -> list[Reject]:
    return [one for one in found if isinstance(one, Reject)]


def test_rows_know_where_they_are_and_are_read_on_demand(tmp_path: Path) -> None:
    found = stream(write(tmp_path / "r.csv", [row(order_id="5"), row(order_id="7", common_name="b.larch.example")]))
    first, second = rows_of(found)
    assert [first.key, second.key] == ["digicert:5", "digicert:7"]
    assert [first.where, second.where] == ["row 1 (line 2)", "row 2 (line 6)"]
    assert second.read().common_name == "b.larch.example"
    assert first.read().outside_id == "5"
    assert (found.complete, found.size, found.cursor) == (True, 2, None)
    assert found.header[0] == "order_id"


def test_a_stream_can_be_walked_more_than_once(tmp_path: Path) -> None:
    found = stream(write(tmp_path / "r.csv", [row()]))
    assert [one.digest for one in rows_of(found)] == [one.digest for one in rows_of(found)]


def test_the_order_of_columns_does_not_matter_to_the_digest(tmp_path: Path) -> None:
    one = rows_of(stream(write(tmp_path / "a.csv", [row()])))[0]
    other = rows_of(stream(write(tmp_path / "b.csv", [row()], ["csr", *reversed(PLAIN), "unknown"])))[0]
    assert one.digest == other.digest
    assert len(one.digest) == 8
    assert one.read() == other.read()


@pytest.mark.parametrize("column", USED[1:])
def test_every_used_column_changes_the_digest(tmp_path: Path, column: str) -> None:
    before = rows_of(stream(write(tmp_path / "a.csv", [row()])))[0]
    after = rows_of(stream(write(tmp_path / "b.csv", [row(**{column: "2026-07-07"})])))[0]
    assert before.digest != after.digest


def test_what_is_not_used_does_not_change_the_digest(tmp_path: Path) -> None:
    before = rows_of(stream(write(tmp_path / "a.csv", [row()])))[0]
    after = rows_of(stream(write(tmp_path / "b.csv", [row(csr="another")])))[0]
    assert before.digest == after.digest


def test_the_salt_changes_the_digest(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", [row()])
    assert rows_of(stream(path, b"one"))[0].digest != rows_of(stream(path, b"two"))[0].digest


def test_a_column_more_changes_the_digest(tmp_path: Path) -> None:
    fewer = [name for name in PLAIN if name != "currency"]
    one = rows_of(stream(write(tmp_path / "a.csv", [row()], fewer)))[0]
    assert one.digest != rows_of(stream(write(tmp_path / "b.csv", [row()])))[0].digest


def test_the_digest_is_the_same_in_every_process(tmp_path: Path) -> None:
    path = write(tmp_path / "r.csv", [row()])
    code = (
        "from tests.connectors.order_report.test_scan import rows_of, stream\n"
        f"import sys; sys.stdout.write(rows_of(stream({path!r}))[0].digest.hex())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[3])},
        ).stdout.decode()
        for seed in ("1", "2")
    }
    assert outputs == {rows_of(stream(path))[0].digest.hex()}


def test_equal_rows_collapse(tmp_path: Path) -> None:
    found = stream(write(tmp_path / "r.csv", [row(order_id="5"), row(order_id="7"), row(order_id="5", csr="x")]))
    assert [one.where for one in rows_of(found)] == ["row 1 (line 2)", "row 2 (line 6)"]
    assert rejects_of(found) == []
    assert found.size == 2


def test_rows_that_differ_are_all_rejected(tmp_path: Path) -> None:
    rows = [row(order_id="5"), row(order_id="7"), row(order_id="5"), row(order_id="5", status="revoked")]
    found = stream(write(tmp_path / "r.csv", rows))
    assert [one.key for one in rows_of(found)] == ["digicert:7"]
    rejects = rejects_of(found)
    assert [one.where for one in rejects] == ["row 1 (line 2)", "row 3 (line 10)", "row 4 (line 14)"]
    assert rejects[0].reason == "the order stands also in row 3 (line 10), with other values"
    assert rejects[2].reason == "the order stands also in row 1 (line 2), with other values"
    assert {(one.key, one.column) for one in rejects} == {("digicert:5", "order_id")}
    assert rejects[2].raw[:2] == ("5", "revoked")
    assert found.size == 2


def test_numbers_that_are_no_plain_numbers_are_orders_of_their_own(tmp_path: Path) -> None:
    ids = ["A-1", "007", "7", "A-1", "12345678901234567890", "b_2"]
    found = stream(write(tmp_path / "r.csv", [row(order_id=one) for one in ids]))
    assert [one.key for one in rows_of(found)] == [
        "digicert:A-1", "digicert:007", "digicert:7", "digicert:12345678901234567890", "digicert:b_2",
    ]  # fmt: skip
    assert [one.read().key for one in rows_of(found)] == [one.key for one in rows_of(found)]
    assert found.size == 5


@pytest.mark.parametrize(
    ("text", "reason"), [("", "is empty"), ("0", "is no order number"), ("1.2E+8", "is no order number")]
)
def test_rows_without_an_order_number_are_rejected(tmp_path: Path, text: str, reason: str) -> None:
    found = stream(write(tmp_path / "r.csv", [row(order_id=text), row(order_id=text), row(order_id="7")]))
    assert [(one.column, one.reason, one.key) for one in rejects_of(found)] == [("order_id", reason, "")] * 2
    assert [one.key for one in rows_of(found)] == ["digicert:7"]
    assert found.size == 1


def test_a_nul_character_rejects_its_row(tmp_path: Path) -> None:
    found = stream(write(tmp_path / "r.csv", [row(order_id="5", organization_name="a\0b"), row(order_id="7")]))
    (reject,) = rejects_of(found)
    assert (reject.column, reject.reason, reject.key) == (
        "organization_name",
        "holds a NUL character",
        "digicert:5",
    )
    assert len(rows_of(found)) == 1


def test_a_field_of_ten_million_characters_rejects_its_row(tmp_path: Path) -> None:
    rows = [row(order_id="5"), row(order_id="6", csr="x" * 10_000_000), row(order_id="7")]
    found = stream(write(tmp_path / "r.csv", rows))
    (reject,) = rejects_of(found)
    assert (reject.column, reject.reason) == ("csr", "is longer than 131,072 characters")
    assert (reject.key, reject.where) == ("digicert:6", "row 2 (line 6)")
    assert all(len(one) < 2000 for one in reject.raw)
    assert [one.key for one in rows_of(found)] == ["digicert:5", "digicert:7"]


def test_a_broken_row_still_tells_its_order(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    write(path, [row(order_id="5"), row(order_id="6")])
    with path.open("a") as more:
        more.write('"7","issued"\n')
    found = stream(str(path))
    (reject,) = rejects_of(found)
    assert reject.key == "digicert:7"
    assert reject.raw == ("7", "issued")
    assert "the row has 2 columns" in reject.reason
    assert found.size == 3


def test_a_broken_row_and_a_sound_one_of_the_same_order_are_both_rejected(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    write(path, [row(order_id="5")])
    with path.open("a") as more:
        more.write('"5","issued"\n')
    assert [one.key for one in rejects_of(stream(str(path)))] == ["digicert:5", "digicert:5"]


def test_a_quote_that_is_not_closed_costs_its_own_row_only(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    write(path, [row(order_id=str(number)) for number in range(1, 6)], [*PLAIN])
    lines = path.read_text().splitlines()
    lines[2] = lines[2][:-1]
    path.write_text("\n".join(lines) + "\n")
    found = stream(str(path))
    assert [one.key for one in rows_of(found)] == ["digicert:1", "digicert:3", "digicert:4", "digicert:5"]
    assert [one.key for one in rejects_of(found)] == ["digicert:2"]


def test_a_row_that_makes_no_sense_says_so_when_it_is_read(tmp_path: Path) -> None:
    (only,) = rows_of(stream(write(tmp_path / "r.csv", [row(valid_till="31/12/2026")])))
    with pytest.raises(BadRow, match="valid_till"):
        only.read()


def test_an_empty_report_has_no_size(tmp_path: Path) -> None:
    found = stream(write(tmp_path / "r.csv", []))
    assert list(found) == []
    assert found.size == 0


def test_a_file_that_changes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    write(path, [row(order_id="5"), row(order_id="6")])
    found = stream(str(path))
    (first, _) = rows_of(found)
    path.write_text(path.read_text().replace("larch", "birch"))
    with pytest.raises(RetriableError, match="changed while it was being read"):
        list(found)
    with pytest.raises(RetriableError, match="changed while it was being read"):
        first.read()


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    write(path, [row(order_id="5")])
    (only,) = rows_of(stream(str(path)))
    path.write_text("gone\n")
    with pytest.raises(RetriableError):
        only.read()


def test_utf_16_reads_the_same(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [row(organization_name="Lärche 서울")])
    (tmp_path / "b.csv").write_bytes(Path(path).read_text("utf-8").encode("utf-16"))
    one, other = rows_of(stream(path))[0], rows_of(stream(str(tmp_path / "b.csv")))[0]
    assert one.digest == other.digest
    assert one.read() == other.read()
