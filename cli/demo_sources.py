"""Where the demo's orders come from: the order report as a file, or the stand-in of CertCentral that a checkout has."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import Protocol

from cli.sample import Sample, report_on
from core.errors import UsageError

_REPORT = """[order_report]
customer = "{customer}"
path = "order-report.csv"
"""

_CERTCENTRAL = """[certcentral]
base_url = "{address}"
key_file = "{key_file}"
customer = "{customer}"
# Four months go by in a minute.
calls_per_3_minutes = 1000000
calls_per_5_seconds = 1000000

[order_report]
customer = "{customer}"
"""
_KEY_FILE = "certcentral.key"


class Outside(Protocol):
    """Where the demo's orders are; `sources` are the names of the order sources that are read."""

    sources: tuple[str, ...]

    def settings(self, place: Path) -> str:
        """The sections that name it, the last of them `[order_report]`."""
        ...

    def bring_to(self, day: date) -> None:
        """Lets everything happen up to the end of this day."""
        ...


class _ReportFile:
    """The orders are in the report, which is written afresh each day."""

    sources: tuple[str, ...] = ("order_report",)

    def __init__(self, sample: Sample) -> None:
        self._sample = sample

    def settings(self, place: Path) -> str:
        return _REPORT.format(customer=self._sample.customer)

    def bring_to(self, day: date) -> None:
        report_on(self._sample, day, self._sample.report)


@contextmanager
def order_report(sample: Sample) -> Iterator[Outside]:
    """The report of the sample."""
    yield _ReportFile(sample)


def certcentral() -> Callable[[Sample], AbstractContextManager[Outside]]:
    """What opens the stand-in of CertCentral. Raises `UsageError` where there is none."""
    try:
        from tests.fakes.certcentral import CertCentral, no_limits, running_certcentral
        from tests.fakes.certcentral.sample import SampleWorld
    except ImportError:
        raise UsageError(
            "--source certcentral needs the stand-in of a checkout of Nolapse; run it there, or leave --source out"
        ) from None

    class StandIn:
        """The orders are in the stand-in's world."""

        sources: tuple[str, ...] = ("order_report", "certcentral")

        def __init__(self, played: SampleWorld, server: CertCentral, customer: str) -> None:
            self._played = played
            self._server = server
            self._customer = customer

        def settings(self, place: Path) -> str:
            (place / _KEY_FILE).write_text(self._server.key, encoding="utf-8")
            return _CERTCENTRAL.format(address=self._server.base_url, key_file=_KEY_FILE, customer=self._customer)

        def bring_to(self, day: date) -> None:
            self._played.advance_to(day)

    @contextmanager
    def opened(sample: Sample) -> Iterator[Outside]:
        played = SampleWorld(sample)
        with running_certcentral(played.world, no_limits()) as server:
            yield StandIn(played, server, sample.customer)

    return opened
