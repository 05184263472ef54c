"""The numbers at the end of delivery keys: what goes more than once to somebody on a day is told apart by them."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.schema import deliveries
from core.sql import among


def last_numbers(connection: Connection, stems: Iterable[str]) -> dict[str, int]:
    """The last number that is taken of each stem (`{stem}:1`, `{stem}:2` and so on); 0 where none is.

    The keys themselves are asked for: the day in a key is the first one meant, and a delivery may go on a later day.
    """
    numbers = dict.fromkeys(stems, 0)
    asked = set(numbers)
    while asked:
        keys = {f"{stem}:{numbers[stem] + 1}": stem for stem in asked}
        taken = select(deliveries.c.key).where(among(deliveries.c.key, keys))
        asked = {keys[key] for key in connection.execute(taken).scalars().all()}
        for stem in asked:
            numbers[stem] += 1
    return numbers
