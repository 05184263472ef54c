"""What customers answer on the form of a renewal link, kept in the inbox as any other event."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.engine import Connection

from core import answers
from core.answered import Answer, AnswerKind
from core.errors import UsageError
from core.inbox import Event
from core.policy import Policy
from core.suppressions import normal_address
from core.timing import Timer

DOOR = "answers"
_LONGEST = 500
_WORDS = {AnswerKind.CALL: "phone", AnswerKind.NOT_RENEWING: "why"}


def said(order_key: str, kind: AnswerKind, form: Mapping[str, str]) -> tuple[str, bytes]:
    """Key and content of an answer. The same said twice on one day counts once."""
    told = {"order": order_key, "answer": kind, "day": str(datetime.now(UTC).date())}
    if kind in _WORDS:
        told["words"] = _plain(form.get(_WORDS[kind], ""))
    if kind is AnswerKind.NOT_MINE:
        told |= {"name": _plain(form.get("name", "")), "address": _address(form.get("mail", ""))}
    content = json.dumps(told, ensure_ascii=False).encode()
    return hashlib.sha256(content).hexdigest()[:32], content


@dataclass(frozen=True, slots=True)
class Answers:
    """Applies the answers: the rep gets a task, and our messages rest."""

    policy: Policy

    def __call__(self, connection: Connection, event: Event, timer: Timer) -> str:
        told = json.loads(event.content)
        answer = Answer(
            AnswerKind(told["answer"]),
            event.received_at,
            told.get("words", ""),
            told.get("name", ""),
            told.get("address", ""),
        )
        return answers.about_order(connection, told["order"], answer, event.key, self.policy, timer)


def _plain(text: str) -> str:
    """One line without control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_LONGEST]


def _address(text: str) -> str:
    try:
        return normal_address(text)[:_LONGEST]
    except UsageError:
        return ""
