"""Our own templates are compiled directly; whatever holds a line of an operator's stays in the sandbox in all it does."""

from pathlib import Path

import pytest
from jinja2 import StrictUndefined
from jinja2.exceptions import UndefinedError

from templates.catalogues import catalogue
from templates.library import Library, _Sandbox
from tests.templates.test_library import CHILD, own


def written(source: str, *, trusted: bool) -> str:
    """The Python that is made of a template."""
    environment = sandbox(trusted=trusted)
    return str(environment.compile(source, name="ours.j2", raw=True))


def sandbox(*, trusted: bool) -> _Sandbox:
    environment = _Sandbox(autoescape=True, undefined=StrictUndefined)
    words = catalogue("de", {"Order": "Auftrag & mehr"}, {"day": ("Tag", "Tage")}, lambda number: int(number != 1))
    environment.catalogue = {"_": words.gettext, "ngettext": words.ngettext}
    environment.globals |= environment.catalogue
    environment.trusts = {"ours.j2"} if trusted else set()
    return environment


def test_facts_are_attributes_and_texts_are_put_in() -> None:
    code = written('{{ _("Order") }}: {{ order.name }} {{ ngettext("day", "days", order.days) }}', trusted=True)
    assert "Auftrag &amp; mehr: " in code
    assert ".name" in code
    assert "environment.getattr" not in code
    assert "environment.call" not in code


def test_an_operators_template_asks_the_sandbox_for_everything() -> None:
    code = written('{{ _("Order") }}: {{ order.name }}', trusted=False)
    assert "Auftrag" not in code
    assert "environment.getattr" in code
    assert "environment.call" in code


@pytest.mark.parametrize("trusted", [True, False])
def test_both_ways_say_the_same(trusted: bool) -> None:
    class Order:
        name = "<www>"
        days = 2

    source = (
        '{% for one in [order] %}{{ _("Order") }} {{ one.name }} {{ ngettext("day", "days", one.days) }}{% endfor %}'
    )
    environment = sandbox(trusted=trusted)
    code = environment.compile(source, name="ours.j2")
    template = environment.template_class.from_code(environment, code, environment.make_globals(None))
    assert template.render(order=Order()) == "Auftrag &amp; mehr &lt;www&gt; Tage"
    with pytest.raises(UndefinedError):
        template.render()


def test_a_layout_is_trusted_only_where_all_its_blocks_are_ours(tmp_path: Path) -> None:
    ours = Library().shelf("en")
    ours.compile("mail.mjml")
    assert "mail.mjml" in ours.environment.trusts  # type: ignore[attr-defined]
    own(tmp_path, "block_seal.mjml", "<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>")
    own(tmp_path, "mail_single.j2", CHILD + "{% block action %}Get it now{% endblock %}")
    mixed = Library(tmp_path).shelf("en")
    for name in ("mail.mjml", "mail_single.j2", "packaged/mail_single.j2", "mail.txt.j2"):
        mixed.compile(name)
    trusted = set(mixed.environment.trusts)  # type: ignore[attr-defined]
    assert trusted & {"mail.mjml", "mail_single.j2"} == set()
    assert trusted >= {"packaged/mail_single.j2", "mail.txt.j2"}
