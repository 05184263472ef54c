"""Reads what the operator set: nolapse.toml, the files beside it, and the environment over both.

Which file: `--config`, else NOLAPSE_CONFIG, else ./nolapse.toml, else the packaged defaults. The environment overrides
single settings as NOLAPSE_SECTION__KEY. Unknown keys are refused. Secrets come from the environment, or from the file
that KEY_file names, and never from nolapse.toml itself.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from importlib import resources
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import SecretStr, TypeAdapter, ValidationError

from config.files import first_problem, read, refuse_unknown
from config.sections import FurtherBrand, Sections
from core.advice import AdviceRules
from core.blocks import Switch, Switches
from core.cadence import Cadences
from core.calendar import CalendarSettings
from core.consent import ConsentRule, ConsentRules
from core.consoles import Console, Consoles
from core.errors import ConfigurationError
from core.languages import LANGUAGES, Words
from core.offers import OfferRule, Offers
from core.ports import Connector
from core.prices import PriceList, Prices
from core.products import Catalogue
from core.validity import ValidityRules
from core.words import Block

PREFIX = "NOLAPSE_"
_PLACES = ("path", "paths", "file", "folder", "mailbox")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was set. `base` is the folder from which relative paths in the settings count."""

    sections: Sections
    connectors: Mapping[str, Connector]
    of_connector: Mapping[str, Any]
    cadences: Cadences
    calendar: CalendarSettings
    validity: ValidityRules
    catalogue: Catalogue
    advice: AdviceRules
    offers: Offers
    switches: Switches
    consoles: Consoles
    consent: ConsentRules
    prices: Prices
    brands: Mapping[str, FurtherBrand]
    base: Path
    source: str
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def load(config: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force. Raises `ConfigurationError`, one line, for anything that cannot be meant."""
    environment = os.environ if environment is None else environment
    file = _find(config, environment)
    said = {} if file is None else _read_toml(file)
    base = Path.cwd() if file is None else file.resolve().parent
    where = "the defaults" if file is None else str(file)
    overrides = _from_environment(environment)
    core_types = get_type_hints(Sections)
    offered = {point.name: point for point in entry_points(group="nolapse.connectors")}
    for name in [*said, *overrides]:
        if name not in core_types and name not in offered:
            origin = file.name if file is not None and name in said else f"{PREFIX}{name.upper()}__…"
            known = ", ".join(sorted({*core_types, *offered}))
            raise ConfigurationError(f"{origin}: [{name}] is not a section; known are {known}")
    built = {
        name: _section(name, kind, said.get(name, {}), overrides.get(name, {}), where, base)
        for name, kind in core_types.items()
    }
    sections = Sections(**built)
    named = {
        *sections.sync.sources,
        sections.sync.crm,
        sections.sync.prober,
        sections.mail.via,
        sections.mail.replies,
    } - {""}
    used = named | (set(said) & set(offered))
    connectors = {name: _connector(name, offered) for name in sorted(used)}
    products = _beside("products.toml", base)
    return Settings(
        sections=sections,
        connectors=connectors,
        of_connector={
            name: _section(name, one.settings, said.get(name, {}), overrides.get(name, {}), where, base)
            for name, one in connectors.items()
        },
        cadences=Cadences.from_toml(_beside("cadence.toml", base)),
        calendar=CalendarSettings.from_toml(_beside("calendar.toml", base)),
        validity=ValidityRules.from_toml(_beside("validity.toml", base)),
        catalogue=Catalogue.from_toml(products),
        advice=_advice(products.get("advice", {}), products.get("competitors", {})),
        offers=_offers(base),
        switches=_switches(base),
        consoles=_consoles(base, sections),
        consent=_consent(base),
        prices=_prices(base),
        brands=read(dict[str, FurtherBrand], _beside("brands.toml", base), "brands.toml"),
        base=base,
        source=where,
        overrides=overrides,
    )


def offered(settings: Settings) -> Mapping[str, tuple[Connector, Any]]:
    """Every installed connector with its settings: those in use as they are set, the others by default."""
    found: dict[str, tuple[Connector, Any]] = {}
    for point in sorted(entry_points(group="nolapse.connectors"), key=lambda one: one.name):
        name = point.name
        if name in settings.connectors:
            found[name] = settings.connectors[name], settings.of_connector[name]
            continue
        connector = _connector(name, {name: point})
        own = _section(name, connector.settings, {}, settings.overrides.get(name, {}), settings.source, settings.base)
        found[name] = connector, own
    return found


def _find(config: Path | None, environment: Mapping[str, str]) -> Path | None:
    named = config or (Path(environment["NOLAPSE_CONFIG"]) if environment.get("NOLAPSE_CONFIG") else None)
    if named is None:
        here = Path("nolapse.toml")
        return here if here.is_file() else None
    if not named.is_file():
        raise ConfigurationError(f"{named}: there is no such settings file; check --config or NOLAPSE_CONFIG")
    return named


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not written in UTF-8; save it again as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: {str(error)[:1].lower()}{str(error)[1:]}") from error


def packaged(name: str) -> dict[str, Any]:
    """A settings file as it comes with the program."""
    return tomllib.loads((resources.files("config") / name).read_text(encoding="utf-8"))


def _beside(name: str, base: Path) -> dict[str, Any]:
    """A settings file beside nolapse.toml; its top-level entries stand in for the packaged ones of the same name."""
    own = base / name
    return packaged(name) | (_read_toml(own) if own.is_file() else {})


def _advice(advice: object, competitors: object) -> AdviceRules:
    if not isinstance(advice, Mapping):
        raise ConfigurationError("products.toml: advice must be a table")
    return read(AdviceRules, {**advice, "competitors": competitors}, "products.toml: advice")


def _switches(base: Path) -> Switches:
    said = read(dict[Block, Switch], _beside("blocks.toml", base), "blocks.toml")
    try:
        return Switches({block: switch.in_lower_case() for block, switch in said.items()})
    except ValueError as error:
        raise ConfigurationError(f"blocks.toml: {error}") from error


def _offers(base: Path) -> Offers:
    """The offers, with the codes of the files that they name."""
    rules = read(dict[str, OfferRule], _beside("offers.toml", base), "offers.toml")
    for name, rule in rules.items():
        if rule.codes:
            raise ConfigurationError(f"offers.toml: {name}.codes: codes stand in a file; name it in codes_file")
        if not rule.codes_file:
            continue
        try:
            lines = (base / rule.codes_file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"offers.toml: {name}.codes_file: the file cannot be read; check that it exists and is written in UTF-8"
            ) from error
        codes = tuple(dict.fromkeys(code for line in lines if (code := line.strip())))
        if not codes:
            raise ConfigurationError(f"offers.toml: {name}.codes_file: the file holds no code")
        rules[name] = replace(rule, codes=codes)
    return Offers({name: rule.in_lower_case() for name, rule in rules.items()})


def _consoles(base: Path, sections: Sections) -> Consoles:
    found = read(dict[str, Console], _beside("consoles.toml", base), "consoles.toml")
    try:
        consoles = Consoles(found)
    except ValueError as error:
        raise ConfigurationError(f"consoles.toml: {error}") from error
    if sections.brand.console not in found:
        known = ", ".join(sorted(found))
        raise ConfigurationError(
            f"[brand] console: {sections.brand.console} is not in consoles.toml; known are {known}"
        )
    return consoles


def _consent(base: Path) -> ConsentRules:
    rules = read(dict[str, ConsentRule], _beside("consent.toml", base), "consent.toml")
    for name, rule in rules.items():
        for key, words in (("label", rule.label), ("footer", rule.footer)):
            refuse_languages(words, f"consent.toml: {name}.{key}")
    try:
        return ConsentRules(rules)
    except ValueError as error:
        raise ConfigurationError(f"consent.toml: {error}") from error


def _prices(base: Path) -> Prices:
    lists = read(dict[str, PriceList], _beside("prices.toml", base), "prices.toml")
    for name, one in lists.items():
        refuse_languages(one.note, f"prices.toml: {name}.note")
    return Prices({name.lower(): one for name, one in lists.items()})


def refuse_languages(words: Words, where: str) -> None:
    """Raises `ConfigurationError` where words are given for a language that there are no messages in."""
    for code in words if isinstance(words, Mapping) else ():
        if code not in ("", *LANGUAGES):
            raise ConfigurationError(
                f'{where}: {code} is not a language of the messages; known are {", ".join(LANGUAGES)} and ""'
            )


def _from_environment(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or "__" not in variable:
            continue
        section, _, key = variable.removeprefix(PREFIX).lower().partition("__")
        found.setdefault(section, {})[key] = value
    return found


def _connector(name: str, offered: Mapping[str, EntryPoint]) -> Connector:
    if name not in offered:
        raise ConfigurationError(f"the connector {name} is not installed; known are {', '.join(sorted(offered))}")
    found = offered[name].load()
    if not isinstance(found, Connector):
        raise ConfigurationError(f"the connector {name} is broken: its entry point is no Connector")
    return found


def _section(name: str, kind: type[Any], said: object, overrides: Mapping[str, str], where: str, base: Path) -> Any:
    if not isinstance(said, Mapping):
        raise ConfigurationError(f"{where}: {name} must be a section, written [{name}]")
    types = get_type_hints(kind)
    known = {entry.name: entry for entry in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in said.items():
        place = f"{where}: [{name}] {key}"
        if types.get(key) is not None and _is_secret(types[key]):
            raise ConfigurationError(
                f"{place} is a secret and may not stand in a settings file; "
                f"set {PREFIX}{name.upper()}__{key.upper()}, or name a file in {key}_file"
            )
        _take(values, place, key, value, known, types, base)
    for key, text in overrides.items():
        place = f"{PREFIX}{name.upper()}__{key.upper()}"
        value = text if key not in types else _typed(place, text, types[key])
        _take(values, place, key, value, known, types, Path.cwd())
    for key, entry in known.items():
        if key not in values and isinstance(entry.default, str):
            values[key] = _resolve(key, entry.default, base)
    refuse_unknown(kind, values, f"{where}: [{name}]")
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: [{name}] {first_problem(error)}") from error


def _take(
    values: dict[str, Any],
    place: str,
    key: str,
    value: object,
    known: Mapping[str, Field[Any]],
    types: Mapping[str, Any],
    base: Path,
) -> None:
    if key in known:
        values[key] = _resolve(key, value, base)
        return
    secret = key.removesuffix("_file")
    if secret != key and secret in known and _is_secret(types[secret]):
        values[secret] = _read_secret(place, base / str(value))
        return
    raise ConfigurationError(f"{place} is not a setting; known are {', '.join(known)}")


def _resolve(key: str, value: object, base: Path) -> object:
    """Paths count from the folder of the file that names them."""
    if not isinstance(value, str) or not value:
        return value
    if key.rpartition("_")[2] in _PLACES:
        return str(base / value)
    if key == "url" and value.startswith("sqlite:///"):
        return f"sqlite:///{base / value.removeprefix('sqlite:///')}"
    return value


def _read_secret(place: str, file: Path) -> SecretStr:
    try:
        return SecretStr(file.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{place}: the file cannot be read; check that it exists and is readable") from error


def _is_secret(kind: Any) -> bool:
    return kind is SecretStr or SecretStr in get_args(kind)


def _typed(place: str, text: str, kind: Any) -> object:
    """A value from the environment; lists are written as JSON or with commas."""
    if get_origin(kind) not in (tuple, list):
        return text
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{place}: is no list; write it as JSON or with commas") from error


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def describe() -> list[tuple[str, str, object]]:
    """Every setting of the program itself: section, key and default. Secrets have none."""
    found: list[tuple[str, str, object]] = []
    for section, kind in get_type_hints(Sections).items():
        for entry in fields(kind):
            default = entry.default if entry.default is not MISSING else None
            found.append((section, entry.name, default))
    return found
