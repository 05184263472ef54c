"""Reading a CSV file: encodings, line breaks, and faults that keep to their record."""

import codecs
import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.order_report.client import FIELD_LIMIT, CsvFile, Record, cut
from core.errors import ConfigurationError, NolapseError, RetriableError

SETTING = "[order_report] path"


def opened(tmp_path: Path, content: str | bytes, *needed: str) -> CsvFile:
    path = tmp_path / "some.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return CsvFile(str(path), SETTING, needed or ("a",))


def records(tmp_path: Path, content: str | bytes) -> list[Record]:
    return list(opened(tmp_path, content).records())


def told(tmp_path: Path, content: str | bytes, *needed: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        list(opened(tmp_path, content, *needed).records())
    text = str(error.value)
    assert str(tmp_path / "some.csv") in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "end"])
def test_records_come_with_their_lines(tmp_path: Path, newline: str, last: str) -> None:
    lines = ['a,"b"', '1,"x', 'y"', "", "2,z", *([] if not last else ["3,w"])]
    found = records(tmp_path, newline.join(lines) + ("" if last else newline))
    assert [(one.line, one.fields) for one in found[:2]] == [(2, ["1", f"x{newline}y"]), (5, ["2", "z"])]
    assert len(found) == (3 if last else 2)
    assert all(one.fault is None for one in found)


def test_start_is_where_the_record_can_be_read_again(tmp_path: Path) -> None:
    file = opened(tmp_path, 'a,b\n1,"é\nß"\n2,ü\n')
    for one in list(file.records()):
        assert file.at(one.start, one.line) == one.fields


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    ],
)
def test_encodings_that_are_read(tmp_path: Path, encode: object) -> None:
    assert callable(encode)
    file = opened(tmp_path, encode('a,b\r\n"münchen","서울\n北京"\r\n'))
    assert file.header == ("a", "b")
    assert [one.fields for one in file.records()] == [["münchen", "서울\n北京"]]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a,b\n1,x\n2,müller\n".encode("latin-1"), 3),
        ("ä,b\n1,x\n".encode("latin-1"), 1),
        ("a,b\n1,x\n".encode("utf-16-le"), 1),
        (codecs.BOM_UTF32_LE + "a,b\n1,x\n".encode("utf-32-le"), 1),
        (b"PK\x03\x04\x14\x00\x00\x00\xff\xfe\n", 1),
    ],
)
def test_other_encodings_are_refused_with_the_line(tmp_path: Path, content: bytes, line: int) -> None:
    assert f"line {line} is not text in UTF-8" in told(tmp_path, content)


def test_broken_utf_16_is_refused(tmp_path: Path) -> None:
    assert "broken UTF-16" in told(tmp_path, codecs.BOM_UTF16_LE + b"a\x00,\x00\x00\xdc\n")


def test_bytes_that_are_no_text_behind_an_unclosed_quote_are_refused(tmp_path: Path) -> None:
    assert "line 4" in told(tmp_path, b'a,b\n1,"x\n2,y\n3,\xff\n')


@pytest.mark.parametrize("content", ["", "\n", "\n\na,b\n", "\ufeff"])
def test_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "empty" in told(tmp_path, content)


def test_header_alone_holds_no_records(tmp_path: Path) -> None:
    assert records(tmp_path, "a,b\n") == []
    assert records(tmp_path, "a,b") == []


def test_columns_are_known_whatever_their_letters_and_blanks(tmp_path: Path) -> None:
    file = opened(tmp_path, " A ,Status,other\n", "a", "status")
    assert file.columns == {"a": 0, "status": 1, "other": 2}
    assert file.header == (" A ", "Status", "other")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("b,c", "the column a is missing"),
        ("a;d", "the columns a, d are missing; its columns are separated by semicolons, save it with commas"),
        ("a\td", "the columns a, d are missing; its columns are separated by tabs"),
        ("a,d,A", "the column a stands twice"),
    ],
)
def test_columns_that_do_not_fit_are_named(tmp_path: Path, header: str, said: str) -> None:
    needed = ("a",) if header == "b,c" else ("a", "d")
    assert said in told(tmp_path, f"{header}\n", *needed)


def test_a_column_that_is_not_needed_may_stand_twice_and_the_first_counts(tmp_path: Path) -> None:
    assert opened(tmp_path, "a,email,email\n").columns["email"] == 1


@pytest.mark.parametrize("content", ["x" * (1 << 20), '"' + "x" * 200_000 + '"\n', "a,b\r1,2\r"])
def test_a_first_line_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    assert "first line holds no names of columns" in told(tmp_path, content)


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, said in (
        ("", "[order_report] path is not set"),
        ("a\0b", "[order_report] path is no path"),
        (str(tmp_path), "this is a folder"),
        (str(pipe), "this is no regular file"),
        (str(tmp_path / "none.csv"), "No such file"),
        (str(tmp_path / ("x" * 300)), "too long"),
    ):
        with pytest.raises(ConfigurationError, match=r"^[^\n]+$") as error:
            CsvFile(path, SETTING, ("a",))
        assert said in str(error.value)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some.csv").write_text("a\n")

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(ConfigurationError, match=r"cannot be read \(Permission denied\); check the file and"):
        CsvFile(str(tmp_path / "some.csv"), SETTING, ("a",))


@pytest.mark.parametrize(("fields", "count"), [("2", 1), ("2,y,z", 3), ('2,"y\nz",3', 3)])
def test_a_row_of_another_width_keeps_to_itself(tmp_path: Path, fields: str, count: int) -> None:
    first, second, third = records(tmp_path, f"a,b\n1,x\n{fields}\n3,w\n")
    assert first.fields == ["1", "x"]
    assert second.fault == ("", f"the row has {count} columns where the first line names 2")
    assert third.fields == ["3", "w"]


def test_a_row_that_is_cut_off_keeps_to_itself(tmp_path: Path) -> None:
    first, second = records(tmp_path, 'a,b,c\n1,x,y\n2,"x\ny')
    assert first.fault is None
    assert second.fault is not None
    assert second.fields[0] == "2"


@pytest.mark.parametrize("length", [FIELD_LIMIT + 1, 10_000_000])
def test_a_field_that_is_too_long_names_its_column(tmp_path: Path, length: int) -> None:
    first, second, third = records(tmp_path, f'a,B,c\n1,x,y\n2,"{"z" * length}",w\n3,v,u\n')
    assert second.fault == ("B", "is longer than 131,072 characters")
    assert (second.line, second.fields[0]) == (3, "2")
    assert [first.fields, third.fields] == [["1", "x", "y"], ["3", "v", "u"]]
    assert third.line == 4
    assert csv.field_size_limit() == FIELD_LIMIT


def test_a_long_field_with_line_breaks_is_passed_over_whole(tmp_path: Path) -> None:
    lines = "1,2,3\n" * 50_000
    first, second = records(tmp_path, f'a,b,c\n1,"{lines}",y\n2,x,y\n')
    assert first.fault == ("b", "is longer than 131,072 characters")
    assert second.fields == ["2", "x", "y"]
    assert second.line == 50_003


def test_a_field_at_the_limit_is_read(tmp_path: Path) -> None:
    (only,) = records(tmp_path, f"a,b\n1,{'z' * FIELD_LIMIT}\n")
    assert only.fault is None


def test_a_quote_that_is_not_closed_takes_no_other_row_with_it(tmp_path: Path) -> None:
    rows = [f'"{number}","x","y"' for number in range(1, 8)]
    rows[2] = '"3","x","y'
    found = records(tmp_path, "a,b,c\n" + "\n".join(rows) + "\n")
    assert [one.fields[0] for one in found] == ["1", "2", "3", "4", "5", "6", "7"]
    assert [one.line for one in found] == [2, 3, 4, 5, 6, 7, 8]
    assert [one.fault for one in found if one.fault] == [("", "a quote is not closed in lines 4 to 4")]


def test_a_quote_that_swallows_the_rest_of_a_long_file_takes_no_other_row_with_it(tmp_path: Path) -> None:
    rows = [f"{number},x,y" for number in range(1, 60_000)]
    rows[9] = '10,"x,y'
    found = records(tmp_path, "a,b,c\n" + "\n".join(rows) + "\n")
    assert len(found) == len(rows)
    assert [one.line for one in found if one.fault] == [11]


def test_a_quote_that_is_not_closed_at_the_very_end(tmp_path: Path) -> None:
    found = records(tmp_path, 'a,b,c\n1,x,y\n2,"x,y\n')
    assert [bool(one.fault) for one in found] == [False, True]


def test_a_carriage_return_outside_quotes_keeps_to_its_row(tmp_path: Path) -> None:
    first, second = records(tmp_path, "a,b\n1,x\ry\n2,z\n")
    assert first.fault is not None
    assert "cannot be read" in first.fault.reason
    assert second.fields == ["2", "z"]


def test_a_file_full_of_unreadable_rows_is_refused(tmp_path: Path) -> None:
    content = "a,b\n" + "1,x\ry\n2,z\n" * 101
    assert "more than 100 rows cannot be read, the last on line 202" in told(tmp_path, content)


def test_unreadable_lines_one_after_the_other_are_refused(tmp_path: Path) -> None:
    assert "more than 100 rows cannot be read" in told(tmp_path, "a,b\n" + "1,x\ry\n" * 150 + "2,z\n")


def test_a_change_while_reading_is_noticed(tmp_path: Path) -> None:
    file = opened(tmp_path, "a,b\n1,x\n")
    file.refuse_change()
    with (tmp_path / "some.csv").open("a") as more:
        more.write("2,y\n")
    with pytest.raises(RetriableError, match="changed while it was being read"):
        file.refuse_change()


def test_a_file_that_is_replaced_is_read_as_it_was(tmp_path: Path) -> None:
    file = opened(tmp_path, "a,b\n1,x\n")
    (tmp_path / "next.csv").write_text("a,b\n9,z\n")
    (tmp_path / "next.csv").replace(tmp_path / "some.csv")
    file.refuse_change()
    assert [one.fields for one in file.records()] == [["1", "x"]]


def test_what_is_handed_on_is_cut() -> None:
    shown = cut(["short", "x" * 5000, *["y"] * 50], 3)
    assert shown[0] == "short"
    assert len(shown[1]) == 1003
    assert len(shown) == 13


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(cells.filter(bool), cells, cells), max_size=6))
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    file = opened(tmp_path_factory.getbasetemp(), text.getvalue())
    found = list(file.records())
    assert [tuple(one.fields) for one in found] == rows
    assert [tuple(file.at(one.start, one.line)) for one in found] == rows


@given(st.text(st.sampled_from('",\n\rab'), max_size=60))
def test_no_file_is_a_surprise(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    try:
        found = records(tmp_path_factory.getbasetemp(), f"a,b\n{body}")
        assert all(one.fault is not None or len(one.fields) == 2 for one in found)
        assert [one.start for one in found] == sorted({one.start for one in found})
    except NolapseError as error:
        assert "\n" not in str(error)  # noqa: PT017, most files are fine
