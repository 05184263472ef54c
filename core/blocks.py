"""Which parts of a mail the operator wants, by product, urgency and segment: the switches of blocks.toml. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from core.products import lower_words
from core.words import Block, Urgency

WARNING_FROM_DAYS = 14
"""The browser warning is drawn at most so many days before the end: earlier it would frighten and not help."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether a block is on, and for what; what is left empty does not narrow it. `not_*` take away."""

    on: bool = True
    products: frozenset[str] = frozenset()
    not_products: frozenset[str] = frozenset()
    urgencies: frozenset[Urgency] = frozenset()
    segments: frozenset[str] = frozenset()
    not_segments: frozenset[str] = frozenset()
    within_days: int | None = None

    def __post_init__(self) -> None:
        if self.within_days is not None and self.within_days < 0:
            raise ValueError("within_days must not be negative")

    def in_lower_case(self) -> Self:
        """The same with ids and segments as orders and accounts carry them."""
        return replace(
            self,
            products=lower_words(self.products),
            not_products=lower_words(self.not_products),
            segments=lower_words(self.segments),
            not_segments=lower_words(self.not_segments),
        )

    def allows(self, product_id: str, urgency: Urgency, segment: str, days_left: int) -> bool:
        """Whether the block may stand in a mail led by this order."""
        product_id, segment = product_id.lower(), segment.lower()
        return (
            self.on
            and (not self.products or product_id in self.products)
            and product_id not in self.not_products
            and (not self.urgencies or urgency in self.urgencies)
            and (not self.segments or segment in self.segments)
            and segment not in self.not_segments
            and (self.within_days is None or days_left <= self.within_days)
        )


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches of all blocks; a block that is not named is on."""

    blocks: Mapping[Block, Switch] = field(default_factory=dict)

    def __post_init__(self) -> None:
        warning = self.blocks.get(Block.BROWSER_WARNING)
        if warning is not None and (warning.within_days or 0) > WARNING_FROM_DAYS:
            raise ValueError(f"browser_warning.within_days must not be above {WARNING_FROM_DAYS}")

    def allowed(self, product_id: str, urgency: Urgency, segment: str, days_left: int) -> frozenset[Block]:
        """The blocks that may stand in a mail led by this order; which of them have their facts is another matter."""
        found = set(Block)
        for block, switch in self.blocks.items():
            if not switch.allows(product_id, urgency, segment, days_left):
                found.discard(block)
        if days_left > WARNING_FROM_DAYS:
            found.discard(Block.BROWSER_WARNING)
        return frozenset(found)
