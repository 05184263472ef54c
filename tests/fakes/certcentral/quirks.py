"""What nobody has verified about CertCentral, or what differs between accounts: each can be switched either way."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass
class Quirks:
    """How the stand-in behaves where the documentation is silent, in disagreement, or older than the service.

    The defaults are what seems most likely. Every field may be changed while the server runs.
    """

    # Which way `renewed_order_id` points: from the old order to its renewal, or from the renewal to the old order.
    renewed_order_id: Literal["newer", "older", "absent"] = "newer"
    # When the old order counts as renewed: once its renewal is issued, or as soon as it is placed.
    renewed_when: Literal["issued", "placed"] = "issued"
    # Whether a renewal tells `renewal_of_order_id`, and in which answers besides order info.
    renewal_of_in_info: bool = True
    renewal_of_in_list: bool = False
    renewal_of_in_report: bool = False
    # Whether rows of the list carry `order_valid_till`; "some": every second order.
    list_order_end: Literal["always", "some", "never"] = "always"
    report_order_end: bool = False
    # What an issued order is called once it has ended; "mixed": every second one.
    ended_status: Literal["expired", "issued", "mixed"] = "expired"
    filter_knows_expired: bool = False
    # Whether reaching its end shows among the status changes.
    expiry_is_a_change: bool = False
    # The zone in which `filters[status_last_updated]` is read.
    status_zone: str = "America/Denver"
    # `{}` instead of an empty list.
    empty_object: bool = True
    # `errors` as a list of errors, or as one object.
    errors: Literal["list", "object"] = "list"
    wrong_key_status: int = 401
    # Seconds of `Retry-After` with an answer 429 that the limits give; none as documented.
    retry_after: int | None = None
    refused_calls_count: bool = False
    # The two words of `renewal-emails/{status}`: on, off.
    renewal_emails_words: tuple[str, str] = ("enabled", "disabled")
    # Whether the word is looked at before the order.
    words_first: bool = True
    # The old switches `send_minus_90` … in order info.
    notice_switches: bool = False
    sort_needs_sign: bool = False
    combines_is_renewed: bool = True
    # How names are told where there are none.
    no_names: Literal["absent", "blank"] = "absent"
    # Days of the old order that a renewal adds to the new one, at most.
    days_kept_at_most: int = 0
    # Whether orders that were renewed stand among the counts of what ends soon.
    counts_renewed: bool = False
    # Whether a key that is restricted to orders may read the account, its divisions and subaccounts.
    orders_key_reads_all: bool = True
    # Whether the parent's key opens a single ACME contract, which is documented for the subaccount's key only.
    parent_reads_contracts: bool = False
    # Other names for the fields of contracts in the report, where no documentation shows them.
    contract_fields: dict[str, str] = field(default_factory=dict)
    # Features that DigiCert enables per account.
    webhooks: bool = True
    subaccounts: bool = True
    # Whether subaccounts of subaccounts can be read one by one, as direct ones can.
    reads_deep_subaccounts: bool = True
    # The event log's newer address, or its older one.
    event_log: Literal["of_webhook", "of_account"] = "of_webhook"
    # Fields that no documentation names, in each row of orders and in order info.
    more_fields: dict[str, Any] = field(default_factory=dict)
