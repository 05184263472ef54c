"""What is counted for Prometheus: events by door, requests by endpoint, and what waits in the house."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select, text

from core import inbox
from core.errors import StoreError
from core.schema import STUCK, WAITING, deliveries
from core.store import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one process."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        self._events = Counter(
            "nolapse_web_events",
            "Events by door and what became of them.",
            ("door", "outcome"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "nolapse_web_request_seconds", "Time to answer.", ("endpoint", "code"), registry=self._registry
        )
        self._clicks = Counter("nolapse_web_clicks", "Clicks by link.", ("link",), registry=self._registry)
        self._registry.register(_House(store))

    def count(self, door: str, outcome: str, number: int = 1) -> None:
        """So many events more."""
        if number:
            self._events.labels(door, outcome).inc(number)

    def click(self, link: str) -> None:
        """One click more on a link of ours."""
        self._clicks.labels(link).inc()

    def answered(self, endpoint: str, code: int, began: float) -> None:
        """One request more, begun at this reading of the monotonic clock (seconds)."""
        self._seconds.labels(endpoint, str(code)).observe(time.monotonic() - began)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _House(Collector):
    """What the store holds, counted when it is asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing beforehand: registering must not ask the store."""
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        events = GaugeMetricFamily("nolapse_inbox", "Events by door and state.", labels=("door", "state"))
        outbox = GaugeMetricFamily("nolapse_deliveries", "Deliveries that wait or are stuck.", labels=("kind", "state"))
        up = GaugeMetricFamily("nolapse_store_up", "Whether the database answers.")
        try:
            with self._store.read() as connection:
                for (door, state), number in inbox.counted(connection).items():
                    events.add_metric((door, state), number)
                by_kind = (deliveries.c.kind, deliveries.c.state)
                for states in (WAITING, STUCK):
                    counted = select(*by_kind, func.count()).where(text(states)).group_by(*by_kind)
                    for kind, state, number in connection.execute(counted):
                        outbox.add_metric((kind, state), number)
            up.add_metric((), 1)
        except StoreError:
            up.add_metric((), 0)
        yield from (events, outbox, up)
