"""Charts as SVG: what is in them, and that any reader of XML can read them."""

import re
from datetime import date, timedelta
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from cli.chart import Chart, Line, Panel

SVG = "{http://www.w3.org/2000/svg}"
MONDAY = date(2026, 11, 16)


def chart(*panels: Panel, weeks: int = 53) -> tuple[str, Element]:
    days = [MONDAY + timedelta(days=7 * number) for number in range(weeks)]
    text = Chart("Mails & calls", "365 days <all>", 'Two charts, "so" to speak', days, panels).svg()
    return text, fromstring(text)


def words(root: Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def points(root: Element) -> list[list[tuple[float, float]]]:
    drawn = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    return [[(float(x), float(y)) for x, y in (point.split(",") for point in line)] for line in drawn]


def test_it_names_and_describes_itself_and_escapes_what_it_is_given() -> None:
    text, root = chart(Panel("Mails per week", [Line("as <dated>", [1] * 53)]))
    assert (root.tag, root.attrib["role"], root.attrib["aria-labelledby"]) == (f"{SVG}svg", "img", "title description")
    assert [root.findtext(f"{SVG}{tag}") for tag in ("title", "desc")] == ["Mails & calls", 'Two charts, "so" to speak']
    assert words(root)[:3] == ["Mails & calls", "365 days <all>", "as <dated>"]
    assert "&lt;dated&gt;" in text


def test_it_needs_nothing_from_elsewhere_and_suits_light_and_dark() -> None:
    text, root = chart(Panel("Mails", [Line("one", [1] * 53)]))
    assert not {each.tag for each in root.iter()} & {
        f"{SVG}{tag}" for tag in ("script", "image", "use", "a", "foreignObject")
    }
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert "@import" not in text
    assert "url(" not in text
    assert text.count("prefers-color-scheme: dark") == 1


def test_lines_share_the_scale_of_their_panel_and_the_legend_names_each_once() -> None:
    of_mails = Panel("Mails", [Line("one", [0, 50, 100]), Line("two", [100, 0, 0])])
    _, root = chart(of_mails, Panel("Calls", [Line("one", [1, 2, 3]), Line("two", [4, 4, 4])]), weeks=3)
    first, second, *of_calls = points(root)
    assert [x for x, _ in first] == [x for x, _ in second]
    assert first[0][1] > first[1][1] > first[2][1] == second[0][1]
    assert second[1][1] == first[0][1]
    assert len(of_calls) == 2
    assert words(root).count("one") == words(root).count("two") == 1
    assert len({line.attrib["class"] for line in root.iter(f"{SVG}polyline")}) == 2


@pytest.mark.parametrize(
    ("most", "marks"),
    [
        (0, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (100, ["0", "20", "40", "60", "80", "100"]),
        (1234, ["0", "500", "1,000", "1,500"]),
        (98_765, ["0", "20,000", "40,000", "60,000", "80,000", "100,000"]),
    ],
)
def test_the_grid_has_round_figures_and_room_for_the_most(most: int, marks: list[str]) -> None:
    _, root = chart(Panel("Mails", [Line("one", [0, most])]), weeks=2)
    said = [each.text for each in root.iter(f"{SVG}text") if each.attrib.get("class") == "quiet end"]
    assert said == marks
    assert all(132 <= y <= 432 for _, y in points(root)[0])


@pytest.mark.parametrize(("weeks", "first"), [(1, "2026-11"), (53, "2026-12"), (260, "2026-12")])
def test_time_is_marked_by_month_without_crowding(weeks: int, first: str) -> None:
    _, root = chart(Panel("Mails", [Line("one", [1] * weeks)]), weeks=weeks)
    marks = [each.text for each in root.iter(f"{SVG}text") if each.attrib.get("class") == "quiet middle"]
    assert marks[0] == first
    assert len(marks) <= 14
    assert len(points(root)[0]) == max(2, weeks)
