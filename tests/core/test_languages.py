import pytest

from core.languages import LANGUAGES, Languages, match


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("it", "it"),
        ("IT", "it"),
        ("es-MX", "es"),
        ("fr_CA", "fr"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh_Hans_SG", "zh-Hans"),
        ("zh-Hans", "zh-Hans"),
        ("zh-TW", ""),
        ("zh-Hant-HK", ""),
        ("de", ""),
        ("ko-KR", "ko"),
    ],
)
def test_a_code_means_one_of_ours_or_none(wish: str, expected: str) -> None:
    assert match(wish) == expected


@pytest.mark.parametrize(
    ("wishes", "country", "expected"),
    [
        (("ko", "fr"), "IT", "ko"),
        (("", "fr"), "IT", "fr"),
        (("de", "fr"), "IT", "fr"),  # what there are no words for is passed over
        (("", ""), "IT", "it"),
        (("", ""), "mx", "es"),
        (("", ""), "KR", "ko"),
        (("", ""), "CN", "zh-Hans"),
        (("", ""), "TW", "en"),
        (("", ""), "DE", "en"),
        (("", ""), "", "en"),
    ],
)
def test_contact_then_account_then_country_then_default(wishes: tuple[str, ...], country: str, expected: str) -> None:
    assert Languages().choose(*wishes, country=country) == expected


def test_the_operators_own_word_on_countries_and_the_default_counts() -> None:
    own = Languages(default="fr", countries={"IT": "es", "BE": "fr"})
    assert own.choose(country="it") == "es"
    assert own.choose(country="DE") == "fr"


def test_there_are_six() -> None:
    assert LANGUAGES == ("en", "it", "es", "fr", "zh-Hans", "ko")
