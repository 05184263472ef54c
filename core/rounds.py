"""The rounds that settle makes at the end: what time alone brings about, and nobody has said.

Promises that were not kept, calls that were not made, tasks of reps who are away or have left, renewals that wait to be
issued, and the mails outside the cadence. Each pass finds nothing where it has been made already.
"""

from core import occasions, records, unproven
from core.escalation import escalate
from core.follow_ups import after_promises
from core.following import follow
from core.locks import Lock
from core.policy import Policy
from core.store import Store
from core.timing import Timer


def make(store: Store, lock: Lock, timer: Timer, policy: Policy, *, crm: bool) -> None:
    """Makes the rounds of a day. `crm`: reps work in one, and so get tasks."""
    if crm:
        with store.begin() as connection:
            lock.renew(connection)
            records.queue(connection, after_promises(connection, policy, timer), timer)
            unproven.warn_of_waiting(connection, policy, timer)
            escalate(connection, policy, timer)
            follow(connection, policy.tasks, timer)
    occasions.queue(store, lock, timer, policy)
