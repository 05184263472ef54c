"""Which language somebody is written to in: their own, their account's, their country's, else the default. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Words = str | Mapping[str, str]
"""Words of the operator's own: for every language, or by language."""

LANGUAGES = ("en", "it", "es", "fr", "zh-Hans", "ko")
"""The languages that messages exist in."""

# Countries where one of the languages that come with the program is the first official one, or the usual one in
# business. Others take the default, unless `[language] countries` says otherwise.
_BY_COUNTRY = {
    "it": "IT SM VA",
    "es": "ES AR BO CL CO CR CU DO EC GT HN MX NI PA PE PY SV UY VE PR GQ",
    "fr": "FR MC BJ BF CD CF CG CI GA GN ML NE SN TG GP GF MQ RE YT PF NC",
    "zh-Hans": "CN",
    "ko": "KR",
    "en": "GB IE US AU NZ CA ZA IN MT NG GH KE SG",
}
_OF_COUNTRY = {country: language for language, countries in _BY_COUNTRY.items() for country in countries.split()}


@dataclass(frozen=True, slots=True)
class Languages:
    """The default among `LANGUAGES`, and the operator's own word on countries."""

    default: str = "en"
    countries: Mapping[str, str] = field(default_factory=dict)

    def choose(self, *wishes: str, country: str = "") -> str:
        """The first of the wishes that there is, else the country's language, else the default."""
        of_country = self.countries.get(country.upper()) or _OF_COUNTRY.get(country.upper(), "")
        for wish in (*wishes, of_country, self.default):
            if wish and (found := match(wish)):
                return found
        return LANGUAGES[0]


def words_in(words: Words, language: str) -> str:
    """The words for a language; those under "" stand for every language that has none of its own."""
    return words if isinstance(words, str) else words.get(language, words.get("", ""))


def match(wish: str) -> str:
    """The language of ours that a code such as `pt`, `es-MX` or `zh_CN` means; empty where there is none."""
    parts = wish.replace("_", "-").lower().split("-")
    if parts[0] == "zh":
        # Whoever reads traditional characters is not written to in simplified ones.
        traditional = "hant" in parts or ("hans" not in parts and any(one in parts for one in ("tw", "hk", "mo")))
        parts = ["zh", "hant" if traditional else "hans"]
    for code in LANGUAGES:
        if code.lower() == "-".join(parts):
            return code
    return next((code for code in LANGUAGES if code.lower() == parts[0]), "")
