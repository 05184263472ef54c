import pytest

from core.blocks import WARNING_FROM_DAYS, Switch, Switches
from core.words import Block, Urgency

ALL = frozenset(Block)


def allowed(
    product: str = "ssl_plus", urgency: Urgency = Urgency.WARNING, segment: str = "smb", days: int = 7, **said: Switch
) -> frozenset[Block]:
    return Switches({Block(name): switch for name, switch in said.items()}).allowed(product, urgency, segment, days)


def test_every_block_is_on_unless_it_is_switched_off() -> None:
    assert allowed() == ALL
    assert allowed(offer=Switch(on=False)) == ALL - {Block.OFFER}


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        (Switch(products=frozenset({"ssl_plus"})), True),
        (Switch(products=frozenset({"ssl_basic"})), False),
        (Switch(not_products=frozenset({"ssl_plus"})), False),
        (Switch(urgencies=frozenset({Urgency.WARNING})), True),
        (Switch(urgencies=frozenset({Urgency.NOTICE})), False),
        (Switch(segments=frozenset({"smb"})), True),
        (Switch(segments=frozenset({"gov"})), False),
        (Switch(not_segments=frozenset({"smb"})), False),
        (Switch(within_days=7), True),
        (Switch(within_days=6), False),
        (Switch(products=frozenset({" SSL_PLUS "}), segments=frozenset({"SMB"})).in_lower_case(), True),
    ],
)
def test_a_switch_is_narrowed_by_product_urgency_segment_and_days(switch: Switch, expected: bool) -> None:
    assert (Block.UPSELL in allowed(upsell=switch)) is expected


@pytest.mark.parametrize(("days", "expected"), [(15, False), (14, True), (0, True), (-3, True)])
def test_the_browser_warning_comes_only_from_14_days_on(days: int, expected: bool) -> None:
    assert WARNING_FROM_DAYS == 14
    assert (Block.BROWSER_WARNING in allowed(days=days)) is expected


def test_it_cannot_be_set_to_come_earlier() -> None:
    with pytest.raises(ValueError, match="must not be above 14"):
        Switches({Block.BROWSER_WARNING: Switch(within_days=15)})
    with pytest.raises(ValueError, match="must not be negative"):
        Switch(within_days=-1)
