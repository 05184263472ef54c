"""A process is killed at every point of every step; another takes over, and nothing is lost, doubled or forgotten.

The points are not chosen: a first run counts every statement, commit and step on the disk or the wire, then one process
dies before each of them. Deaths that leave the same behind are followed by the same, so that the new
process runs once for each state that a death can leave.
"""

from collections import Counter
from typing import Any

import pytest

from connectors.embedded.maildir import file_name
from core.words import DeliveryState, Outcome, TouchState, Urgency
from tests.fire.conftest import Arena, Scene
from tests.fire.snapshots import Snapshot, differences
from tests.fire.world import DAY, RULES, SCENES

_DATABASES = ("sqlite", "postgresql")
_UNDER_WAY = (DeliveryState.SENDING, DeliveryState.UNCERTAIN)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("backend", _DATABASES)
def test_nothing_is_lost_or_doubled_wherever_the_process_dies(arena: Arena, backend: str, name: str) -> None:
    scene = arena.scene(backend, name)
    _the_points_that_count_are_found(scene)
    judged: set[str] = set()
    killed = 0
    for at, place in arena.deaths(scene):
        killed += 1
        left = arena.look(scene.ground, place)
        if (digest := left.digest()) in judged:
            continue
        seen = arena.forks.live_on(place)
        try:
            _judge(scene, left, arena.look(scene.ground, place), seen)
        except AssertionError as error:
            error.add_note(f"killed at point {at} of {len(scene.points)}, before {scene.points[at - 1]}")
            error.add_note(f"after {', '.join(scene.points[max(at - 6, 0) : at - 1])}")
            raise
        judged.add(digest)
    assert killed == len(scene.points)


def _judge(scene: Scene, left: Snapshot, after: Snapshot, seen: dict[str, Any]) -> None:
    states = after.mail_states(DAY)
    uncertain = {key for key, state in states.items() if state == DeliveryState.UNCERTAIN}
    assert seen["stuck"].keys() == uncertain
    if uncertain:
        assert scene.name == "post", "what the mailbox can be asked about is not left open"
        assert uncertain <= {key for key, state in left.mail_states(DAY).items() if state in _UNDER_WAY}
        _is_as_if_undisturbed_elsewhere(scene, after, uncertain)
        for key in uncertain:
            _is_shown(key, after, seen)
    else:
        assert differences(after, scene.ending) == []
        assert after.mails == scene.ending.mails
    for key, state in states.items():
        name = after.message_id(key, RULES.mail.domain) if scene.name == "post" else file_name(key)
        assert after.mails[name] <= 1, f"{key} went more than once"
        if state == DeliveryState.DELIVERED:
            assert after.mails[name] == 1, f"{key} counts as delivered and has not gone"


def _is_as_if_undisturbed_elsewhere(scene: Scene, after: Snapshot, uncertain: set[str]) -> None:
    """Whatever has nothing to do with the mails that are uncertain is as if nothing had happened."""
    customers = {key: next(row["account_id"] for row in after.rows("deliveries", key=key)) for key in uncertain}
    others = [row for row in scene.ending.tables["accounts"] if row["id"] not in customers.values()]
    for row in others:
        for table in ("deliveries", "tasks"):
            assert after.rows(table, account_id=row["id"]) != []
            assert after.words(table, account_id=row["id"]) == scene.ending.words(table, account_id=row["id"])
    waiting = [row for row in after.tables["touches"] if row["state"] == TouchState.PLANNED]
    stuck = {row["id"] for key in uncertain for row in after.rows("deliveries", key=key)}
    assert {row["delivery_id"] for row in waiting} == stuck
    assert len(after.tables["touches"]) == len(scene.ending.tables["touches"])


def _is_shown(key: str, after: Snapshot, seen: dict[str, Any]) -> None:
    """Whoever looks sees it, and from the urgency of a warning on somebody is asked to look."""
    assert seen["stuck"][key]
    told = [line for line in seen["told"] if line[0] == key]
    assert told
    assert all(outcome == Outcome.UNCERTAIN and reason for _, _, outcome, reason in told)
    delivery = after.rows("deliveries", key=key)[0]
    if Urgency(delivery["urgency"]).rank >= Urgency.WARNING.rank:
        checks = after.rows("tasks", account_id=delivery["account_id"], kind="check")
        assert [row["state"] for row in checks] == ["open"]


def _the_points_that_count_are_found(scene: Scene) -> None:
    points = Counter(scene.points)
    expected = {
        "calls": [f"crm.{call} begins" for call in ("create_tasks", "raise_tasks", "close_tasks", "push_records")],
        "sync": ["INSERT INTO confirmations", "INSERT INTO cycles", "UPDATE cycles SET", "crm.changes begins"],
        "settle": ["UPDATE confirmations SET", "UPDATE task_orders SET", "UPDATE tasks SET"],
        "plan": ["INSERT INTO touches", "INSERT INTO deliveries", "INSERT INTO tasks"],
        "mails": ["mailer.send begins", "os.rename in mailer.send", "os.fsync in mailer.send", "commit in mailer.send"],
        "post": ["mailer.send begins", "smtp.connect in mailer.send", "smtp.getreply in mailer.send"],
    }[scene.name]
    assert [effect for effect in expected if not points[effect]] == []
    assert points["commit"] >= 4
    assert points["the end"] == 1
