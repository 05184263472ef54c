"""Links between ours and theirs, each CRM's its own."""

from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from core.store import Store


def test_each_crm_has_links_of_its_own(ledger: Store) -> None:
    one, other = Links(ledger.engine, "hubspot"), Links(ledger.engine, "salesforce")
    one.put(LinkKind.COMPANY, [Link("acme", "1", facts={"by": "key"}), Link("globex", state=LinkState.AMBIGUOUS)])
    other.put(LinkKind.COMPANY, [Link("acme", "001A")])
    assert one.get(LinkKind.COMPANY, ["acme"]) == {"acme": Link("acme", "1", facts={"by": "key"})}
    assert other.of_theirs(LinkKind.COMPANY, ["1", "001A", ""]) == {"001A": Link("acme", "001A")}
    assert [link.our_key for link in one.of_state(LinkKind.COMPANY, LinkState.AMBIGUOUS)] == ["globex"]
    assert other.of_state(LinkKind.COMPANY, LinkState.AMBIGUOUS) == []
    one.forget(LinkKind.COMPANY, ["acme"])
    assert one.get(LinkKind.COMPANY, ["acme"]) == {}
    assert other.get(LinkKind.COMPANY, ["acme"])["acme"].their_id == "001A"


def test_one_kind_is_not_another_and_what_is_written_again_stands(ledger: Store) -> None:
    links = Links(ledger.engine, "salesforce")
    links.put(LinkKind.TASK, [Link("key", state=LinkState.SENDING)])
    links.put(LinkKind.TASK, [Link("key", "00T", digest=b"1")])
    assert links.get(LinkKind.TASK, ["key"])["key"] == Link("key", "00T", digest=b"1")
    assert links.get(LinkKind.MAIL, ["key"]) == {}
    assert links.of_theirs(LinkKind.MAIL, ["00T"]) == {}
