"""What is to be renewed in a month, for the sales forecast: pure sums of what the ledger says.

The amount is that of the renewals that may still come or have come; it is due on the earliest end, and is won or lost
when the last renewal of the month is settled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from connectors.crm.ledger import Ledger, Worth
from connectors.crm.links import Link
from core.words import Stage

_WON = (Stage.RENEWED, Stage.WON_BACK)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The renewals of one account that end in one month, in one currency (minor units)."""

    key: str
    account_key: str
    amount_minor: int
    currency: str
    closes_on: date
    open: bool
    won: bool


def forecasts(account_key: str, worths: Sequence[Worth]) -> list[Forecast]:
    """The forecasts of one account, by month and currency."""
    grouped: dict[tuple[str, str], list[Worth]] = {}
    for one in worths:
        grouped.setdefault((one.ends_on.strftime("%Y-%m"), one.currency), []).append(one)
    found = []
    for (month, currency), several in sorted(grouped.items()):
        counted = [one for one in several if one.open or one.stage in _WON]
        found.append(
            Forecast(
                key=":".join(filter(None, (account_key, month, currency))),
                account_key=account_key,
                amount_minor=sum(one.value_minor for one in counted or several),
                currency=currency,
                closes_on=min(one.ends_on for one in several),
                open=any(one.open for one in several),
                won=any(one.stage in _WON for one in several),
            )
        )
    return found


def forecasts_of(ledger: Ledger, account_keys: Iterable[str]) -> dict[str, Forecast]:
    """The forecasts of these accounts as the ledger has them, by their keys."""
    worths = ledger.worths(list(account_keys))
    return {one.key: one for key, several in worths.items() for one in forecasts(key, several)}


def to_be_written(wanted: Mapping[str, Forecast], digests: Mapping[str, bytes], links: Mapping[str, Link]) -> list[str]:
    """The keys of those that are new or differ from what we last wrote (`digests`: of what is to be written now)."""
    # A month that was over before it was first seen was never a forecast.
    return [key for key, one in wanted.items() if (links[key].digest != digests[key] if key in links else one.open)]
