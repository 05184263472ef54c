"""No word of a message stands outside the catalogues: with every message masked, only facts are left."""

import re
from collections.abc import Callable

import pytest

from core.messages import Letter, Script
from templates.catalogues import Catalogue
from templates.samples import letters, scripts
from templates.writer import JinjaWriter
from tests.templates.build import seen

_MASKED = re.compile(r"⟦[^⟦⟧]*⟧")
_URL = re.compile(r"(?:https?://|mailto:)\S+")
_FACTS = re.compile(
    r"Example Console|New Console|Example Certificates Ltd|Example GmbH|Alex Example|Robin Example|Secure Site(?: OV)?|"
    r"1 Example Street, Exampletown|registered in Exampletown|support@certificates\.example|certificates\.example|"
    r"alex@example\.com|sam@example\.com|Sam Sample|We move everything next month, please call before that\.|"
    r"Prefers calls in the morning\.|Not with other offers\.|CSR → Install|Certificates|"
    r"Expiring|Renew Now|EARLY20|Europe/Berlin|(?:www|shop)\.example\.com|bücher\.example|xn--bcher-kva\.example|no\.|"
    # the names of browsers and their codes are the same everywhere
    r"Chrome|Firefox|Safari|NET::ERR_CERT_DATE_INVALID|SEC_ERROR_EXPIRED_CERTIFICATE"
)
_MONTHS = re.compile(r"\b(?:January|April|May|June|July|October|November|December|UTC|EUR|JP)\b")


def masked(code: str) -> Catalogue:
    """A catalogue whose every message can be told from what was not looked up."""

    def gettext(message: str, /, **facts: object) -> str:
        return f"⟦{message % facts if facts else message}⟧"

    def pgettext(context: str, message: str, /, **facts: object) -> str:
        return gettext(message, **facts)

    def ngettext(one: str, several: str, number: int, /, **facts: object) -> str:
        return gettext(several, num=number, **facts)

    return Catalogue("en", gettext, pgettext, ngettext)


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> JinjaWriter:
    monkeypatch.setattr("templates.library.read_catalogue", masked)
    return JinjaWriter()


def left_over(text: str) -> set[str]:
    """The words of a message that are neither looked up nor facts."""
    while _MASKED.search(text):
        text = _MASKED.sub(" ", text)
    return set(re.findall(r"[^\W\d_]{2,}", _MONTHS.sub(" ", _FACTS.sub(" ", _URL.sub(" ", text)))))


@pytest.mark.parametrize("made", [letters, scripts])
def test_every_word_is_looked_up(writer: JinjaWriter, made: Callable[[str], list[Letter] | list[Script]]) -> None:
    for given in made("en"):
        if isinstance(given, Letter):
            mail = writer.mail(given)
            said = [mail.subject, mail.preheader, mail.text, seen(mail.html)]
            said += [mail.entry.summary, mail.entry.description] if mail.entry else []
        else:
            task = writer.task(given)
            said = [task.subject, task.body]
        for text in said:
            assert not left_over(text), text


def test_a_word_that_is_not_looked_up_would_be_found() -> None:
    assert left_over("⟦Renew ⟦7 days⟧ now⟧ www.example.com please") == {"please"}
