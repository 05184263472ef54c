from pathlib import Path

from config.assembly import application
from config.settings import load
from core.habits import Habits
from core.words import DeliveryKind


def test_mails_and_tasks_go_nowhere_and_nothing_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "nolapse.toml"
    file.write_text('[mail]\nvia = "smtp"\n[web]\npublic_url = "https://renew.example"\n', encoding="utf-8")
    with application(load(file, {})) as app:
        kinds, crm = app.simulated_kinds(Habits(call_days=4))
        assert crm is not None
        assert crm.habits.call_days == 4
        assert set(kinds) == {
            DeliveryKind.MAIL, DeliveryKind.CALL_CREATE, DeliveryKind.CALL_RAISE, DeliveryKind.CALL_CLOSE,
            DeliveryKind.CALL_ASSIGN,
        }  # fmt: skip
        assert {kind.connector for kind in kinds.values()} == {"rehearsal"}
        assert not {"store", "bare_store", "mailer", "crm", "sources", "writer", "links"} & vars(app).keys()
    assert not list(tmp_path.glob("*.db*"))


def test_without_a_crm_there_are_mails_alone(tmp_path: Path) -> None:
    file = tmp_path / "nolapse.toml"
    file.write_text('[sync]\ncrm = ""\n', encoding="utf-8")
    with application(load(file, {})) as app:
        kinds, crm = app.simulated_kinds(Habits())
    assert (list(kinds), crm) == ([DeliveryKind.MAIL], None)
