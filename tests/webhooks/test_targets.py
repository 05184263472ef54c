import pytest

from core.errors import ConfigurationError
from webhooks.targets import FORM, Customer, Targets

URLS = {"shop": "https://shop.example/renew?order={order}", "console": "https://console.example"}


def test_the_first_place_that_there_is_is_the_usual_one() -> None:
    assert Targets(URLS, {}).of(Customer("acme"), "1") == "https://shop.example/renew?order=1"


def test_an_order_changes_no_more_than_its_place_in_the_address() -> None:
    targets = Targets(URLS, {})
    assert targets.of(Customer("acme"), "1&x=2#//evil") == "https://shop.example/renew?order=1%26x%3D2%23%2F%2Fevil"


@pytest.mark.parametrize(
    ("customer", "expected"),
    [
        (Customer("acme", "large", "direct"), ""),
        (Customer("other", "large", "direct"), "https://console.example"),
        (Customer("other", "small", "direct"), "https://shop.example/renew?order=1"),
        (Customer("other", "small", "reseller"), ""),
    ],
)
def test_the_account_goes_before_its_segment_its_route_and_the_rest(customer: Customer, expected: str) -> None:
    modes = {"account=acme": FORM, "segment=large": "console", "route=direct": "shop", "default": FORM}
    assert Targets(URLS, modes).of(customer, "1") == expected


@pytest.mark.parametrize(
    ("urls", "modes", "told"),
    [
        ({"shop": "javascript:alert(1)"}, {}, r"\[web\] shop: javascript:alert\(1\) is no web address"),
        ({"shop": "https:///x"}, {}, "is no web address"),
        ({"shop": "https://{order}.example/"}, {}, "may not stand in the host"),
        (URLS, {"default": "nowhere"}, r"\[web.modes\] default: nowhere is no mode; known are form, shop, console"),
        (URLS, {"country=DE": "shop"}, "write default, account=KEY"),
        (URLS, {"account=": "shop"}, "write default, account=KEY"),
    ],
)
def test_what_cannot_be_meant_is_told_at_the_start(urls: dict[str, str], modes: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Targets(urls, modes)
