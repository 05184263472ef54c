"""Accounts, reps and contacts from CSV files."""

from datetime import date
from pathlib import Path

import pytest

from connectors.order_report import people
from core.errors import ConfigurationError
from core.model import AccountFacts, Person, Reject, RepFacts
from core.words import Role

PREFIX = "digicert:organisation"
ACCOUNTS = "account,name,country,language,zone,segment,route,brand,owner\n"
CONTACTS = "account,email,name,phone,roles,language,zone\n"
REPS = "rep_key,name,email,phone,job,manager,deputy,active\n"


def accounts(tmp_path: Path, rows: str = "", contacts: str = "") -> tuple[list[AccountFacts], list[Reject]]:
    paths = ["", ""]
    for place, (header, body) in enumerate(((ACCOUNTS, rows), (CONTACTS, contacts))):
        if body:
            paths[place] = str(tmp_path / ("accounts.csv" if place == 0 else "contacts.csv"))
            Path(paths[place]).write_text(header + body, encoding="utf-8")
    return people.accounts(paths[0], paths[1], PREFIX)


def reps(tmp_path: Path, rows: str, header: str = REPS) -> tuple[list[RepFacts], list[Reject]]:
    (tmp_path / "reps.csv").write_text(header + rows, encoding="utf-8")
    return people.reps(str(tmp_path / "reps.csv"))


def test_without_files_there_is_nobody() -> None:
    assert people.accounts("", "", PREFIX) == ([], [])
    assert people.reps("") == ([], [])


def test_an_account_whole(tmp_path: Path) -> None:
    found, rejects = accounts(tmp_path, "4711,Larch  Ltd,gb,zh_Hans,Europe/London,Finance,Reseller,Own,r-1\n")
    assert rejects == []
    assert found == [
        AccountFacts(
            "digicert:organisation:4711",
            "Larch Ltd",
            "GB",
            "zh-Hans",
            "Europe/London",
            "finance",
            "reseller",
            "r-1",
            "Own",
        )
    ]


def test_a_whole_key_is_kept_and_the_rest_may_be_empty(tmp_path: Path) -> None:
    found, _ = accounts(tmp_path, "digicert:container:44,,,,,,,,\n")
    assert found == [AccountFacts("digicert:container:44")]


def test_the_account_above_and_the_price_list(tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text("account,parent,price_list\n4711,9000,Wholesale\n4712,digicert:container:7,\n", encoding="utf-8")
    found, rejects = people.accounts(str(file), "", PREFIX)
    assert rejects == []
    assert [(one.parent_key, one.price_list) for one in found] == [
        ("digicert:organisation:9000", "Wholesale"),
        ("digicert:container:7", ""),
    ]


def test_contacts_are_merged_into_their_accounts(tmp_path: Path) -> None:
    found, rejects = accounts(
        tmp_path,
        "4711,Larch,GB,,,,,,\n",
        '4711,Ada@Larch.example,Ada Shaw,+44 20 7946 0101,"technical, billing",en,Europe/London\n'
        "4711,neil@larch.example,,,,,\n"
        "4712,zoe@birch.example,,,requester,,\n",
    )
    assert rejects == []
    assert found == [
        AccountFacts(
            f"{PREFIX}:4711", "Larch", "GB",
            people=(
                Person(
                    "ada@larch.example", (Role.TECHNICAL, Role.BILLING), "Ada Shaw", "+44 20 7946 0101", "en",
                    "Europe/London",
                ),
                Person("neil@larch.example", (Role.ORGANISATION,)),
            ),
        ),
        AccountFacts(f"{PREFIX}:4712", people=(Person("zoe@birch.example", (Role.REQUESTER,)),)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["organization technical", "Organisation;TECHNICAL", "technical technical organisation"]
)
def test_roles_are_separated_by_blanks_commas_or_semicolons(tmp_path: Path, text: str) -> None:
    found, _ = accounts(tmp_path, contacts=f"4711,a@larch.example,,,{text},,\n")
    assert set(found[0].people[0].roles) == {Role.ORGANISATION, Role.TECHNICAL}
    assert len(found[0].people[0].roles) == 2


@pytest.mark.parametrize(
    ("bad", "column", "said"),
    [
        (",Birch,,,,,,,", "account", "is empty"),
        ("4712,Birch,DEU,,,,,,", "country", "two letters"),
        ("4712,Birch,,english!,,,,,", "language", "write a code"),
        ("4712,Birch,,,Mars/Base,,,,", "zone", "write a zone"),
        ("4712,Birch,,,../etc/passwd,,,,", "zone", "write a zone"),
        ("4712,Birch,,,,,pigeon,,", "route", "write one of direct, reseller, silent"),
        (f"4712,{'x' * 501},,,,,,,", "name", "longer than 500"),
        ("4712,Bi\0rch,,,,,,,", "name", "NUL"),
        ("4712,Birch", "", "has 2 columns"),
        (f"4712,{'x' * 200_000},,,,,,,", "name", "longer than 131,072"),
    ],
)
def test_bad_accounts_are_rejected_and_the_rest_go_on(tmp_path: Path, bad: str, column: str, said: str) -> None:
    found, (reject,) = accounts(tmp_path, f"4711,Larch,,,,,,,\n{bad}\n4713,Elm,,,,,,,\n")
    assert [one.name for one in found] == ["Larch", "Elm"]
    assert (reject.where, reject.column) == ("accounts.csv, row 2 (line 3)", column)
    assert said in reject.reason
    assert all(len(one) < 2000 for one in reject.raw)


@pytest.mark.parametrize(
    ("bad", "column", "said"),
    [
        ("4711,nobody,,,,,", "email", "is no e-mail address"),
        ("4711,,,,,,", "email", "is empty"),
        (",a@larch.example,,,,,", "account", "is empty"),
        (
            "4711,a@larch.example,,,boss,,",
            "roles",
            "holds 'boss'; known are organisation, technical, billing, requester",
        ),
    ],
)
def test_bad_contacts_are_rejected_and_the_rest_go_on(tmp_path: Path, bad: str, column: str, said: str) -> None:
    found, (reject,) = accounts(tmp_path, contacts=f"{bad}\n4711,b@larch.example,,,,,\n")
    assert [person.email for person in found[0].people] == ["b@larch.example"]
    assert (reject.where, reject.column) == ("contacts.csv, row 1 (line 2)", column)
    assert said in reject.reason
    assert "@" not in reject.reason


def test_equal_rows_collapse_and_rows_that_differ_are_all_rejected(tmp_path: Path) -> None:
    found, rejects = accounts(tmp_path, "1,A,,,,,,,\n2,B,,,,,,,\n1,A,,,,,,,\n2,C,,,,,,,\n2,B,,,,,,,\n3,D,,,,,,,\n")
    assert [one.name for one in found] == ["A", "D"]
    assert sorted(one.where for one in rejects) == [
        f"accounts.csv, row {number} (line {number + 1})" for number in (2, 4, 5)
    ]
    assert all("with other values" in one.reason for one in rejects)


def test_a_contact_of_two_accounts_is_two_contacts(tmp_path: Path) -> None:
    found, rejects = accounts(tmp_path, contacts="1,a@larch.example,,,,,\n2,a@larch.example,,,,,\n")
    assert [one.key for one in found] == [f"{PREFIX}:1", f"{PREFIX}:2"]
    assert rejects == []


def test_reps_whole(tmp_path: Path) -> None:
    found, rejects = reps(
        tmp_path,
        "r-1,Emil Quist,Emil@Partner.example,+1 202 555 0102,,r-9,r-2,\n"
        "r-2,Ines Sorel,,,Support,,,0\n"
        "r-9,Nora Hale,nora@partner.example,,manager,,,yes\n",
    )
    assert rejects == []
    assert found == [
        RepFacts("r-1", "Emil Quist", "emil@partner.example", "+1 202 555 0102", "rep", "r-9", "r-2", True),
        RepFacts("r-2", "Ines Sorel", "", "", "support", "", "", False),
        RepFacts("r-9", "Nora Hale", "nora@partner.example", "", "manager", "", "", True),
    ]


@pytest.mark.parametrize(
    ("bad", "column"),
    [
        (",Ann,,,,,,", "rep_key"),
        ("r-2,,a@partner.example,,,,,", "name"),
        ("r-2,Ann,nowhere,,,,,", "email"),
        ("r-2,Ann,,,boss,,,", "job"),
        ("r-2,Ann,,,,,,perhaps", "active"),
    ],
)
def test_bad_reps_are_rejected_and_the_rest_go_on(tmp_path: Path, bad: str, column: str) -> None:
    found, (reject,) = reps(tmp_path, f"{bad}\nr-3,Zoe,,,,,,\n")
    assert [one.key for one in found] == ["r-3"]
    assert reject.column == column


def test_columns_that_are_not_needed_may_be_absent(tmp_path: Path) -> None:
    found, _ = reps(tmp_path, "Zoe,r-3,\n", "NAME,Rep_Key,email\n")
    assert found == [RepFacts("r-3", "Zoe", "")]


@pytest.mark.parametrize(
    ("file", "said"), [("accounts.csv", "account is missing"), ("contacts.csv", "account, email are missing")]
)
def test_files_that_are_none_name_the_setting_or_the_column(tmp_path: Path, file: str, said: str) -> None:
    path = tmp_path / file
    arguments = (str(path), "") if file == "accounts.csv" else ("", str(path))
    with pytest.raises(ConfigurationError, match=rf"\[order_report\] {file[:-4]}_path"):
        people.accounts(*arguments, PREFIX)
    path.write_text("x\n")
    with pytest.raises(ConfigurationError, match=said):
        people.accounts(*arguments, PREFIX)


def test_what_an_account_uses_and_does_not_is_read_as_words(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text('account,used,unused\n4711,"Warranty, SEAL",malware_scan  malware_scan\n', encoding="utf-8")
    (found,), rejects = people.accounts(str(file), "", "digicert:organisation")
    assert (found.used, found.unused, rejects) == ("warranty seal", "malware_scan", [])


def test_a_rep_has_a_language(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(
        "rep_key,name,email,language\nr-1,Ann,a@b.example,zh_Hans\nr-2,Bo,b@b.example,?\n", encoding="utf-8"
    )
    (found,), (reject,) = people.reps(str(file))
    assert (found.language, reject.column) == ("zh-Hans", "language")


def test_a_rep_may_be_away(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    head = "rep_key,name,email,absent_from,absent_until\n"
    file.write_text(f"{head}r-1,Ann,,2026-12-21,2027-01-03\nr-2,Bo,,21.12.2026,\n", encoding="utf-8")
    (found,), (reject,) = people.reps(str(file))
    assert (found.absent_from, found.absent_until) == (date(2026, 12, 21), date(2027, 1, 3))
    assert (reject.column, "2026-12-21" in reject.reason) == ("absent_from", True)
