"""What to do in the console in use, step by step, and when it closes: consoles.toml. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from core.messages import ConsoleEnd, Picture, Step
from core.words import Clock


@dataclass(frozen=True, slots=True)
class StepRule:
    """One instruction, in words by language; `{console}` and `{order}` are filled in.

    `several` is what stands instead where the message tells of several orders. A screenshot needs words that stand in
    for it, in the same languages.
    """

    text: Mapping[str, str]
    several: Mapping[str, str] = field(default_factory=dict)
    screenshot: str = ""
    alt: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.text:
            raise ValueError('a step needs its words in one language at least, such as text.en = "…"')
        for language, words in self.text.items():
            if "{order}" in words and language not in self.several:
                raise ValueError(f"a step that names {{order}} needs several.{language} for mails about several orders")
        if any("{order}" in words for words in self.several.values()):
            raise ValueError("{order} cannot be named where there are several orders")
        if self.screenshot and not self.screenshot.startswith("https://"):
            raise ValueError("screenshot must be a web address with https://")
        if self.screenshot and (missing := self.text.keys() - self.alt.keys()):
            raise ValueError(f"a screenshot needs alt.{min(missing)}: the words that stand in for it")


@dataclass(frozen=True, slots=True)
class Console:
    """One console. `ends_on` is the day it closes, `next` the name of the one (in consoles.toml) that follows."""

    name: str
    url: str
    renewal: tuple[StepRule, ...] = ()
    reissue: tuple[StepRule, ...] = ()
    install: tuple[StepRule, ...] = ()
    ends_on: date | None = None
    next: str = ""

    def steps(self, clock: Clock, language: str, order_id: str, *, name: str = "") -> tuple[Step, ...]:
        """The steps for a clock in a language; none where one of them lacks it. `order_id`: empty for several orders.

        `name` is what the operator calls the console, where that is not its own name.
        """
        rules: Sequence[StepRule] = getattr(self, clock.value)
        if not all(language in rule.text for rule in rules):
            return ()
        return tuple(_step(rule, language, order_id, name or self.name) for rule in rules)


def _step(rule: StepRule, language: str, order_id: str, console: str) -> Step:
    words = rule.text[language] if order_id else rule.several.get(language, rule.text[language])
    picture = Picture(rule.screenshot, rule.alt[language]) if rule.screenshot else None
    # In one pass, since an order's id may hold anything.
    parts = [part.replace("{console}", console) for part in words.split("{order}")]
    return Step(order_id.join(parts), picture)


@dataclass(frozen=True, slots=True)
class Consoles:
    """All consoles by the names under which the settings speak of them."""

    consoles: Mapping[str, Console] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, console in self.consoles.items():
            if console.next and console.next not in self.consoles:
                raise ValueError(f"{name}.next: {console.next} is not in this file")

    def end(self, name: str, on: date, *, called: str = "") -> ConsoleEnd | None:
        """The notice that a console closes, up to its last day."""
        console = self.consoles.get(name)
        if console is None or console.ends_on is None or on > console.ends_on:
            return None
        following = self.consoles.get(console.next)
        return ConsoleEnd(
            name=called or console.name,
            ends_on=console.ends_on,
            next_name=following.name if following else "",
            next_url=following.url if following else "",
        )
