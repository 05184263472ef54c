"""Several processes at once on one database do what one does: each mail goes once, and the end is the same."""

from collections.abc import Iterator

import pytest

from tests.fire.grounds import Ground, PostgresGround, Prepare, SqliteGround
from tests.fire.houses import DAY, Alone, lived_alone
from tests.fire.snapshots import differences


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    folder = tmp_path_factory.mktemp("house")

    def ground(prepare: Prepare) -> Ground:
        if request.param == "sqlite":
            return SqliteGround(folder, "nolapse", prepare)
        return PostgresGround(request.getfixturevalue("postgres_server"), prepare)

    with lived_alone(folder, ground) as alone:
        yield alone


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("command", ["run", "deliver"])
def test_several_processes_do_what_one_does(alone: Alone, command: str, count: int) -> None:
    house = alone.house
    house.furnish()
    if command == "deliver":
        house.do(DAY, "sync", "settle", "plan")
    answers = house.at_once(command, count)
    kinds = [answer["deliver"] if command == "run" else answer for answer in answers]
    assert sum(one["mail"]["delivered"] for one in kinds) == alone.readers.total() > 0
    assert sum(one["mail"]["failed"] + one["mail"]["uncertain"] for one in kinds) == 0
    assert house.readers() == alone.readers
    ending = house.ending()
    assert set(ending.mails.values()) == {1}
    assert differences(ending, alone.snapshot) == []
