"""A plain client for the stand-in's own tests."""

import csv
import io
import json
from dataclasses import dataclass, field
from typing import Any

import urllib3


@dataclass
class Answer:
    """What came back."""

    status: int
    content: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of a CSV file."""
        return list(csv.DictReader(io.StringIO(self.content.decode())))

    @property
    def code(self) -> str:
        """The code of an error."""
        errors = self.json["errors"]
        return str((errors[0] if isinstance(errors, list) else errors)["code"])


@dataclass
class Talk:
    """Calls below a base address with a key."""

    base_url: str
    key: str
    header: str = "X-DC-DEVKEY"
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=10.0))

    def __call__(
        self, method: str, path: str, body: Any = None, *, accept: str = "application/json", **headers: str
    ) -> Answer:
        usual = {"User-Agent": "a test", "Accept": accept} | ({self.header: self.key} if self.key else {})
        if body is not None:
            usual["Content-Type"] = "application/json"
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = self.pool.request(method, self.base_url + path, body=content, headers=usual | headers)
        return Answer(response.status, response.data, response.headers)

    def get(self, path: str, **said: Any) -> Answer:
        return self("GET", path, **said)

    def orders(self, query: str = "") -> list[int]:
        """The ids that the list gives."""
        told = self.get(f"/order/certificate{query}")
        assert told.status == 200, told.content
        return [row["id"] for row in told.json.get("orders", ())]
