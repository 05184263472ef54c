"""Who and what is in the sample portfolio. Every company and person is invented, every address reserved.

Telephone numbers are from the ranges that the numbering authorities keep for fiction; where a country has none, there
is no number.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer. `people` are (local part, first name, last name, roles); the first is the technical contact."""

    name: str
    country: str
    language: str
    zone: str
    domain: str
    owner: str
    people: tuple[tuple[str, str, str, str], ...]
    phone: str = ""
    segment: str = "business"
    route: str = "direct"


@dataclass(frozen=True, slots=True)
class Wish:
    """One order and what becomes of it.

    `shape`: plan (a year's plan), old (one long certificate, and the order ends with it), running (a plan whose
    certificate ends first), years (a plan of three years). `ends` counts days from the start to the end that matters:
    the certificate's for a running one, else the order's. `fate` is a word and how many days before that end it
    happens: renew, replace, pending, confirm_shown, mistake (confirmed, three days later taken back, renewed on the last
    day but one), lost, auto, reissue, revoke, cancel; empty: nothing happens.
    """

    customer: int
    product: str
    host: str
    shape: str
    ends: int
    fate: str = ""
    before: int = 0
    flags: frozenset[str] = frozenset()


# The columns of `GET /report/order`; the last ones are those that tell ends, links and prices where there are any.
HEADER = (
    "order_id", "customer_order_id", "date_created", "container_id", "container_name", "status", "user_id",
    "organization_id", "organization_name", "organization_address_1", "organization_address_2", "organization_city",
    "organization_state", "organization_country", "organization_unit", "tech_first_name", "tech_last_name",
    "tech_email", "tech_title", "tech_telephone", "server_type", "issuing_ca", "agreement_id", "validity_years",
    "signature_hash", "dcv_method", "common_name", "plus_feature", "dns_names", "product_id", "product_name_id",
    "product_name", "product_type", "email", "csr", "valid_from", "valid_till", "certificate_tracker_id",
    "is_renewed", "renewed_order_id", "receipt_id", "disable_issuance_email", "pay_type", "is_out_of_contract",
    "disable_renewal_notifications", "additional_emails", "auto_renew", "custom_renewal_message", "thumbprint",
    "serial_number", "account_id", "user_first_name", "user_last_name", "user_email", "order_valid_till",
    "certificate_id", "renewal_of_order_id", "price", "currency",
)  # fmt: skip

# product_name_id: name, product_type, price in US dollars
PRODUCTS = {
    "ssl_basic": ("Basic OV", "ssl_certificate", 268),
    "ssl_ev_basic": ("Basic EV", "ev_ssl_certificate", 372),
    "ssl_securesite_flex": ("Secure Site OV", "securesite_ssl_certificate", 439),
    "ssl_ev_securesite_flex": ("Secure Site EV", "securesite_ssl_certificate", 1049),
    "ssl_securesite_pro": ("Secure Site Pro SSL", "securesite_ssl_certificate", 1095),
    "ssl_wildcard": ("Wildcard SSL", "ssl_certificate", 688),
    "ssl_multi_domain": ("Multi-Domain SSL", "ssl_certificate", 412),
    "ssl_dv_geotrust_flex": ("GeoTrust DV SSL", "dv_ssl_certificate", 149),
    "ssl_dv_rapidssl": ("RapidSSL Standard DV", "dv_ssl_certificate", 59),
    "wildcard_dv_rapidssl": ("RapidSSL Wildcard DV", "dv_ssl_certificate", 249),
    "code_signing": ("Code Signing", "code_signing_certificate", 499),
    "code_signing_ev": ("EV Code Signing", "code_signing_certificate", 664),
    "secure_email_sponsor": ("Secure Email for Business", "client_certificate", 75),
    "private_ssl_plus": ("Private SSL", "private_ssl_certificate", 120),
}

# rep_key, name, email, phone, job, manager, deputy, active
REPS = (
    ("r-hale", "Nora Hale", "nora.hale@partner.example", "+1 202 555 0101", "manager", "", "", "1"),
    (
        "r-quist",
        "Emil Quist",
        "emil.quist@partner.example",
        "+1 202 555 0102",
        "rep",
        "r-hale",
        "r-sorel",
        "1",
    ),
    (
        "r-sorel",
        "Ines Sorel",
        "ines.sorel@partner.example",
        "+33 1 99 00 10 03",
        "rep",
        "r-hale",
        "r-quist",
        "1",
    ),
    ("r-tan", "Wei Tan", "wei.tan@partner.example", "+1 202 555 0104", "rep", "r-hale", "r-quist", "1"),
    ("r-odell", "Sam Odell", "sam.odell@partner.example", "+1 202 555 0105", "support", "r-hale", "", "1"),
)

_ALL = "organisation technical billing requester"
CUSTOMERS = (
    Customer("Larkfield Tea Traders", "GB", "en", "Europe/London", "larkfield-tea.example", "r-quist", (
        ("it", "Amy", "Brook", "technical requester"), ("accounts", "Tom", "Reeve", "billing organisation")),
        "+44 20 7946 0101"),
    Customer("Bluebarn Outfitters", "US", "en", "America/Chicago", "bluebarn.example", "r-quist", (
        ("ops", "Dale", "Moss", "technical requester"), ("office", "Jill", "Park", "organisation")),
        "+1 312 555 0111"),
    Customer("Kestrel Ridge Hosting", "US", "en", "America/Denver", "kestrelridge.example", "r-quist", (
        ("certs", "Rita", "Lowe", _ALL),), "+1 303 555 0112", "hosting"),
    Customer("Glasfabrik Morgenrot GmbH", "DE", "de", "Europe/Berlin", "morgenrot-glas.example", "r-sorel", (
        ("technik", "Jana", "Vogt", "technical requester"), ("einkauf", "Uwe", "Lenz", "organisation billing")),
        "+49 30 23125 101"),
    Customer("Apotheke am Lindenhof", "DE", "de", "Europe/Berlin", "lindenhof-apotheke.example", "r-sorel", (
        ("leitung", "Petra", "Kern", _ALL),), "+49 89 99998 102"),
    Customer("Ateliers Bellerive SARL", "FR", "fr", "Europe/Paris", "ateliers-bellerive.example", "r-sorel", (
        ("informatique", "Luc", "Marin", "technical requester"),
        ("direction", "Claire", "Aubry", "organisation billing")), "+33 1 99 00 20 01"),
    Customer("Librairie du Vieux Port", "FR", "fr", "Europe/Paris", "vieux-port-livres.example", "r-sorel", (
        ("contact", "Hugo", "Blin", _ALL),), "+33 4 65 71 20 02"),
    Customer("Cantina Valdoro Srl", "IT", "it", "Europe/Rome", "valdoro.example", "r-sorel", (
        ("sistemi", "Marta", "Gallo", "technical requester"), ("acquisti", "Elio", "Riva", "organisation billing"))),
    Customer("Officine Trevalli SpA", "IT", "it", "Europe/Rome", "trevalli.example", "r-sorel", (
        ("web", "Dario", "Conti", _ALL),)),
    Customer("Aceites Sierra Clara SL", "ES", "es", "Europe/Madrid", "sierraclara.example", "r-sorel", (
        ("soporte", "Lola", "Vega", "technical requester"), ("compras", "Iker", "Soto", "organisation"))),
    Customer("Viajes Marazul SA", "ES", "es", "Europe/Madrid", "marazul.example", "r-sorel", (
        ("sistemas", "Pablo", "Rey", _ALL),)),
    Customer("Haneul Mobile Studio", "KR", "ko", "Asia/Seoul", "haneul-mobile.example", "r-tan", (
        ("infra", "Jiwoo", "Han", "technical requester"), ("admin", "Minseo", "Oh", "organisation billing"))),
    Customer("Dalbit Ceramics", "KR", "ko", "Asia/Seoul", "dalbit.example", "r-tan", (
        ("web", "Sora", "Lim", _ALL),)),
    Customer("Qinglan Instruments", "CN", "zh-Hans", "Asia/Shanghai", "qinglan.example", "r-tan", (
        ("it", "Mei", "Lin", "technical requester"), ("caigou", "Hao", "Qian", "organisation billing"))),
    Customer("Yunshan Freight", "CN", "zh-Hans", "Asia/Shanghai", "yunshan-freight.example", "r-tan", (
        ("net", "Lan", "Xu", _ALL),)),
    Customer("Mercado Tres Palmas", "MX", "es", "America/Mexico_City", "trespalmas.example", "r-quist", (
        ("ti", "Diego", "Luna", "technical requester"), ("pagos", "Sara", "Rios", "organisation billing"))),
    Customer("Maplewick Credit Union", "CA", "en", "America/Toronto", "maplewick.example", "r-quist", (
        ("security", "Owen", "Clark", "technical requester"), ("vendor", "June", "Ross", "organisation billing")),
        "+1 416 555 0117", "finance"),
    Customer("Scierie Boisfranc", "CA", "fr", "America/Toronto", "boisfranc.example", "r-sorel", (
        ("ti", "Anne", "Roy", _ALL),), "+1 514 555 0118"),
    Customer("Pinnacle Row Dental", "US", "en", "America/New_York", "pinnaclerow.example", "r-quist", (
        ("frontdesk", "Kim", "Ward", _ALL),), "+1 212 555 0119"),
    Customer("Tidewater Lantern Museum", "US", "en", "America/New_York", "tidewater-lantern.example", "r-quist", (
        ("digital", "Max", "Ellis", _ALL),), "+1 202 555 0120", "public"),
    Customer("Fenwick & Thorne Solicitors", "GB", "en", "Europe/London", "fenwickthorne.example", "r-quist", (
        ("it", "Ada", "Shaw", "technical requester"), ("partners", "Neil", "Frost", "organisation billing")),
        "+44 20 7946 0121"),
    Customer("Zahnrad Nordlicht AG", "DE", "de", "Europe/Berlin", "zahnrad-nordlicht.example", "r-sorel", (
        ("edv", "Ralf", "Brandt", _ALL),), "+49 40 66969 122", "industry", "reseller"),
    Customer("Cobalt Finch Software", "US", "en", "America/Los_Angeles", "cobaltfinch.example", "r-tan", (
        ("release", "Zoe", "Lang", _ALL),), "+1 415 555 0123"),
    Customer("Orchard Lane Archive", "GB", "en", "Europe/London", "orchardlane.example", "", ()),
)  # fmt: skip

UNSUBSCRIBED = 6  # this customer's only contact refuses mails from the beginning
OPTS_OUT = (18, 40)  # this one's does from that day on
MANY_ORDERS = 2  # this customer has fourteen open orders
NO_CONTACT = 23
PILOT = (0, 3)  # these customers go live before the others


def _wish(
    customer: int,
    product: str,
    host: str,
    shape: str,
    ends: int,
    fate: str = "",
    before: int = 0,
    *flags: str,
) -> Wish:
    return Wish(customer, product, host, shape, ends, fate, before, frozenset(flags))


WISHES = (
    _wish(0, "ssl_securesite_flex", "www", "plan", 28, "renew", 12),
    _wish(0, "ssl_dv_rapidssl", "blog", "old", 45, "renew", 2),
    _wish(0, "ssl_basic", "mail", "running", 33, "reissue", 20),
    _wish(1, "ssl_ev_securesite_flex", "www", "plan", 93, "renew", 61),
    _wish(1, "ssl_wildcard", "*", "old", 60, "renew", 25),
    _wish(1, "ssl_dv_geotrust_flex", "try", "running", 18, "reissue", 5),
    *(
        _wish(MANY_ORDERS, product, f"shop{number:02}", shape, ends, fate, before)
        for number, (product, shape, ends, fate, before) in enumerate((
            ("ssl_dv_rapidssl", "old", 21, "renew", 9), ("ssl_dv_rapidssl", "old", 24, "renew", 9),
            ("ssl_dv_rapidssl", "plan", 35, "", 0), ("ssl_dv_geotrust_flex", "plan", 38, "renew", 20),
            ("ssl_dv_rapidssl", "running", 27, "reissue", 12), ("ssl_dv_rapidssl", "running", 31, "reissue", 12),
            ("ssl_basic", "plan", 52, "renew", 30), ("ssl_dv_rapidssl", "old", 66, "renew", -3),
            ("wildcard_dv_rapidssl", "plan", 70, "renew", 33), ("ssl_dv_rapidssl", "plan", 84, "", 0),
            ("ssl_basic", "running", 44, "reissue", 16), ("ssl_dv_rapidssl", "plan", 97, "renew", 28),
            ("ssl_dv_geotrust_flex", "running", 75, "reissue", 8), ("ssl_basic", "plan", 112, "renew", 14),
        ), start=1)
    ),
    _wish(3, "ssl_securesite_pro", "www", "plan", 40, "renew", 31),
    _wish(3, "ssl_basic", "portal", "running", 22, "reissue", 1),
    _wish(3, "private_ssl_plus", "intern", "plan", 30),
    _wish(4, "ssl_ev_basic", "www", "old", 55, "renew", 6),
    _wish(4, "ssl_dv_rapidssl", "münchen", "plan", 48, "renew", 17),
    _wish(5, "ssl_securesite_flex", "www", "plan", 90, "renew", 70),
    _wish(5, "ssl_multi_domain", "boutique", "old", 36, "replace", 15, "names"),
    _wish(5, "secure_email_sponsor", "Claire Aubry", "plan", 25),
    _wish(6, "ssl_dv_geotrust_flex", "www", "plan", 20),
    _wish(6, "ssl_dv_rapidssl", "commande", "running", 40),
    _wish(7, "ssl_basic", "www", "old", 74, "renew", 44),
    _wish(7, "ssl_dv_rapidssl", "negozio", "running", 29, "reissue", 25),
    _wish(7, "ssl_wildcard", "*", "plan", 103, "renew", 58),
    _wish(8, "ssl_securesite_flex", "www", "plan", 15, "renew", 3),
    _wish(8, "ssl_basic", "ricambi", "running", 66, "reissue", -2),
    _wish(9, "ssl_ev_securesite_flex", "www", "plan", 62, "pending", 21),
    _wish(9, "ssl_dv_rapidssl", "tienda", "plan", 33, "renew", 8),
    _wish(10, "ssl_basic", "www", "old", 50, "confirm_shown", 20),
    _wish(10, "ssl_multi_domain", "reservas", "plan", 81, "renew", 10, "names"),
    _wish(11, "ssl_securesite_pro", "www", "plan", 57, "renew", 40),
    _wish(11, "ssl_basic", "api", "running", 12, "reissue", 7),
    _wish(11, "code_signing_ev", "Haneul Mobile Studio", "plan", 44),
    _wish(12, "ssl_dv_geotrust_flex", "www", "plan", 26, "mistake", 10),
    _wish(12, "ssl_dv_rapidssl", "shop", "old", 88),
    _wish(13, "ssl_ev_securesite_flex", "www", "years", 68, "renew", 35),
    _wish(13, "ssl_wildcard", "*", "running", 51, "reissue", 18),
    _wish(14, "ssl_basic", "www", "plan", 42, "lost", 20),
    _wish(14, "ssl_dv_rapidssl", "track", "running", 58, "reissue", 13),
    _wish(15, "ssl_securesite_flex", "www", "plan", 19, "renew", 1),
    _wish(15, "ssl_dv_geotrust_flex", "pagos", "plan", 109, "renew", 30),
    _wish(16, "ssl_ev_securesite_flex", "www", "plan", 34, "auto", 30, "auto_renew"),
    _wish(16, "ssl_ev_securesite_flex", "online", "plan", 72, "auto", 30, "auto_renew"),
    _wish(16, "ssl_basic", "branch", "plan", 59, "", 0, "auto_renew"),
    _wish(16, "ssl_securesite_pro", "api", "years", 46, "reissue", 22, "certificate_first"),
    _wish(17, "ssl_basic", "www", "old", 30, "", 0, "notices_off"),
    _wish(17, "ssl_dv_rapidssl", "commandes", "plan", 77, "renew", 7, "notices_off"),
    _wish(18, "ssl_basic", "www", "plan", 64),
    _wish(18, "ssl_dv_rapidssl", "book", "running", 79, "reissue", 6),
    _wish(19, "ssl_dv_geotrust_flex", "www", "plan", 10, "renew", -5),
    _wish(19, "ssl_dv_rapidssl", "tickets", "plan", 23, "revoke", 9),
    _wish(20, "ssl_ev_basic", "www", "plan", 47, "renew", 29),
    _wish(20, "ssl_basic", "clients", "running", 90, "reissue", 30),
    _wish(20, "ssl_dv_rapidssl", "old", "plan", 53, "cancel", 26),
    _wish(21, "ssl_basic", "www", "plan", 86, "renew", 16),
    _wish(21, "ssl_wildcard", "*", "running", 101, "reissue", 19),
    _wish(22, "code_signing", "Cobalt Finch Software", "plan", 37),
    _wish(22, "ssl_securesite_flex", "www", "plan", 117, "renew", 60),
    _wish(22, "ssl_dv_rapidssl", "docs", "plan", -200),
    _wish(22, "ssl_dv_rapidssl", "beta", "plan", -3, "renew", -6),
    _wish(NO_CONTACT, "ssl_basic", "www", "plan", 39),
    _wish(NO_CONTACT, "ssl_dv_rapidssl", "catalogue", "running", 61),
)  # fmt: skip
