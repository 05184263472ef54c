"""The sums of the forecast."""

from datetime import date, timedelta

import pytest

from connectors.crm.forecast import Forecast, forecasts
from connectors.crm.ledger import Worth
from core.words import Stage

END = date(2027, 3, 20)


def worth(ends_on: date, value: int = 100, stage: Stage = Stage.UPCOMING, currency: str = "EUR") -> Worth:
    still_open = stage in (Stage.UPCOMING, Stage.CONTACTED, Stage.COMMITTED, Stage.IN_PROGRESS)
    return Worth(ends_on, value, currency, stage, still_open)


def test_by_month_and_currency() -> None:
    worths = [
        worth(END),
        worth(END - timedelta(days=3), 250),
        worth(END + timedelta(days=30)),
        worth(END, 7, currency="USD"),
    ]
    assert [(one.key, one.amount_minor, one.closes_on) for one in forecasts("acme", worths)] == [
        ("acme:2027-03:EUR", 350, END - timedelta(days=3)),
        ("acme:2027-03:USD", 7, END),
        ("acme:2027-04:EUR", 100, END + timedelta(days=30)),
    ]


def test_what_is_lost_counts_no_more() -> None:
    (one,) = forecasts("acme", [worth(END), worth(END, 50, Stage.LOST), worth(END, 20, Stage.RENEWED)])
    assert (one.amount_minor, one.open) == (120, True)


@pytest.mark.parametrize(
    ("stages", "won", "amount"),
    [
        ((Stage.RENEWED, Stage.LOST), True, 100),
        ((Stage.LOST, Stage.LAPSED), False, 200),
        ((Stage.WON_BACK,), True, 100),
    ],
)
def test_it_is_settled_with_the_last(stages: tuple[Stage, ...], won: bool, amount: int) -> None:
    (one,) = forecasts("acme", [worth(END, 100, stage) for stage in stages])
    assert one == Forecast("acme:2027-03:EUR", "acme", amount, "EUR", END, open=False, won=won)
