"""Line charts by week as SVG: one file that opens by itself in light and dark, without script or foreign font."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, log10
from xml.etree import ElementTree as ET

WIDTH, _PANEL = 960, 300
_LEFT, _RIGHT, _TOP, _GAP, _BOTTOM = 64, 24, 132, 64, 44
_TICKS, _MOST_MARKS = 5, 14
_LINES = (
    # in light, in dark, dashes: told apart without colours too
    ("#0b63c5", "#6cb6ff", ""),
    ("#b35900", "#f0a34a", "9 4"),
    ("#8a2fb8", "#d6a1f0", "3 3"),
    ("#157347", "#63c78d", "12 3 3 3"),
    ("#b02a37", "#f08a94", "1 4"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its name in the legend, and a number for each week."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the charts that stand below each other: its title, which names what is counted, and its lines."""

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels over the same weeks, each named by its Monday."""

    title: str
    subtitle: str
    description: str
    weeks: Sequence[date]
    panels: Sequence[Panel]

    def svg(self) -> str:
        """The chart as the text of an SVG file."""
        height = _TOP + len(self.panels) * _PANEL + (len(self.panels) - 1) * _GAP + _BOTTOM
        root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {WIDTH} {height}",
                "width": str(WIDTH),
                "height": str(height),
                "role": "img",
                "aria-labelledby": "title description",
            },
        )
        ET.SubElement(root, "title", id="title").text = self.title
        ET.SubElement(root, "desc", id="description").text = self.description
        ET.SubElement(root, "style").text = _style()
        ET.SubElement(root, "rect", {"class": "ground", "width": "100%", "height": "100%"})
        _text(root, _LEFT, 34, self.title, "heading")
        _text(root, _LEFT, 56, self.subtitle, "quiet")
        self._legend(root)
        for number, panel in enumerate(self.panels):
            self._panel(root, panel, _TOP + number * (_PANEL + _GAP))
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"

    def _legend(self, root: ET.Element) -> None:
        names = dict.fromkeys(line.name for panel in self.panels for line in panel.lines)
        x = float(_LEFT)
        for number, name in enumerate(names):
            drawn = {"class": f"line {_kind(number)}", "x1": _at(x), "x2": _at(x + 34), "y1": "80", "y2": "80"}
            ET.SubElement(root, "line", drawn)
            _text(root, x + 42, 84, name)
            x += 42 + 7.2 * len(name) + 28

    def _panel(self, root: ET.Element, panel: Panel, top: float) -> None:
        bottom = top + _PANEL
        step, ticks = _scale(max((value for line in panel.lines for value in line.values), default=0))
        highest = step * (ticks - 1)
        _text(root, _LEFT, top - 10, panel.title, "panel")
        for number in range(ticks):
            y = bottom - number * step / highest * (_PANEL - 24)
            ET.SubElement(
                root,
                "line",
                {
                    "class": "grid" if number else "axis",
                    "x1": str(_LEFT),
                    "x2": str(WIDTH - _RIGHT),
                    "y1": _at(y),
                    "y2": _at(y),
                },
            )
            _text(root, _LEFT - 8, y + 4, f"{number * step:,}", "quiet end")
        self._marks(root, bottom)
        for number, line in enumerate(panel.lines):
            heights = [bottom - value / highest * (_PANEL - 24) for value in line.values]
            points = [(self._x(index), y) for index, y in enumerate(heights)]
            if len(points) == 1:
                points = [(_LEFT, points[0][1]), (WIDTH - _RIGHT, points[0][1])]
            words = " ".join(f"{_at(x)},{_at(y)}" for x, y in points)
            ET.SubElement(root, "polyline", {"class": f"line {_kind(number)}", "points": words})

    def _marks(self, root: ET.Element, bottom: float) -> None:
        """The first week of each month on the axis of time; where months would crowd, every third or twelfth."""
        firsts = [index for index, week in enumerate(self.weeks) if _begins_month(week)] or [0]
        apart = next(each for each in (1, 3, 12, 60) if len(firsts) / each <= _MOST_MARKS)
        for index in firsts[::apart]:
            week, x = self.weeks[index], self._x(index)
            mark = {"class": "axis", "x1": _at(x), "x2": _at(x), "y1": _at(bottom), "y2": _at(bottom + 5)}
            ET.SubElement(root, "line", mark)
            _text(root, x, bottom + 20, f"{week + timedelta(days=6):%Y-%m}", "quiet middle")

    def _x(self, index: int) -> float:
        return _LEFT + index * (WIDTH - _LEFT - _RIGHT) / max(1, len(self.weeks) - 1)


def _begins_month(week: date) -> bool:
    return (week + timedelta(days=6)).day <= 7


def _scale(most: int) -> tuple[int, int]:
    """The distance of the lines of a grid that holds a number, in 1, 2 or 5 times a power of ten; and how many lines."""
    rough = max(1.0, most / _TICKS)
    power = 10 ** int(log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
    return step, max(2, ceil(most / step) + 1)


def _kind(number: int) -> str:
    return f"line-{number % len(_LINES)}"


def _at(value: float) -> str:
    return f"{value:.1f}"


def _text(root: ET.Element, x: float, y: float, words: str, kind: str = "") -> None:
    ET.SubElement(root, "text", {"x": _at(x), "y": _at(y)} | ({"class": kind} if kind else {})).text = words


def _style() -> str:
    return "\n".join(
        [
            "",
            'text { font: 13px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif }',
            ".heading { font-size: 20px; font-weight: 600 } .panel { font-size: 15px; font-weight: 600 }",
            ".end { text-anchor: end } .middle { text-anchor: middle }",
            ".line { fill: none; stroke-width: 2.5; stroke-linejoin: round }",
            *(f".line-{number} {{ stroke-dasharray: {dash} }}" for number, (_, _, dash) in enumerate(_LINES) if dash),
            *_colours("#ffffff", "#1f2328", "#59636e", "#d8dee4", (light for light, _, _ in _LINES)),
            "@media (prefers-color-scheme: dark) {",
            *_colours("#0d1117", "#f0f6fc", "#9aa4af", "#30363d", (dark for _, dark, _ in _LINES)),
            "}",
            "",
        ]
    )


def _colours(ground: str, ink: str, quiet: str, grid: str, lines: Iterable[str]) -> list[str]:
    return [
        f".ground {{ fill: {ground} }} text {{ fill: {ink} }} text.quiet {{ fill: {quiet} }}",
        f".grid {{ stroke: {grid} }} .axis {{ stroke: {quiet} }}",
        *(f".line-{number} {{ stroke: {colour} }}" for number, colour in enumerate(lines)),
    ]
