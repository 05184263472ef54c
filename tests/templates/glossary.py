"""The terms that every glossary gives."""

TERMS = frozenset(
    {
        "certificate",
        "certificate authority",
        "order",
        "order ID",
        "renewal",
        "early renewal",
        "replacement (reissue)",
        "installation",
        "expiry date",
        "issue date",
        "validity period",
        "days left",
        "automatic renewal",
        "trust seal",
        "warranty",
        "malware scan",
        "support",
        "certificate lifecycle management",
        "CT log monitoring",
        "multi-year plan",
        "wildcard certificate",
        "multi-domain certificate",
        "organisation validation",
        "extended validation",
        "offer",
        "browser warning",
        "console",
        "reminder",
    }
)
