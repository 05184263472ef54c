import pytest

from connectors.crm.stages import stage_map
from core.errors import ConfigurationError
from core.words import Stage


def test_entries_name_a_stage_of_theirs_for_ours() -> None:
    said = stage_map(("upcoming = New lead", "won_back=Closed = won"), "x.stages")
    assert said == {Stage.UPCOMING: "New lead", Stage.WON_BACK: "Closed = won"}


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ((), "x.stages names no stage for upcoming, in which each record begins"),
        (("renewed=Closed",), "x.stages names no stage for upcoming"),
        (("upcoming",), "x.stages: 'upcoming' is no \"ours=theirs\"; ours are upcoming, contacted"),
        (("upcoming=",), 'is no "ours=theirs"'),
        (("new=New",), "x.stages: 'new=New' is no"),
    ],
)
def test_a_mistake_names_the_setting(entries: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        stage_map(entries, "x.stages")
    assert told in str(caught.value)
