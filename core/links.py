"""Signs and reads the tokens of links: to the renewal of an order, and out of the mails. No personal data is inside.

A token of a renewal link ends after a set time; one for unsubscribing never does.
"""

from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from core.errors import UsageError

RENEWAL_SECONDS = 400 * 86_400


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """Links to our own web app."""

    public_url: str
    secret: str

    def renewal(self, order_key: str, account_key: str) -> str:
        """The link to the renewal of an order."""
        return f"{self.public_url.rstrip('/')}/r/{self._renewals().dumps([order_key, account_key])}"

    def unsubscribe(self, contact_id: int, address: str) -> str:
        """The link that stops mails to a person."""
        return f"{self.public_url.rstrip('/')}/u/{self._unsubscribes().dumps(contact_id)}"

    def read_renewal(self, token: str, max_age_seconds: int = RENEWAL_SECONDS) -> tuple[str, str]:
        """The order and account a renewal link is for. Raises `UsageError` where it is not ours or has ended."""
        try:
            order_key, account_key = self._renewals().loads(token, max_age=max_age_seconds)
        except (BadSignature, ValueError, TypeError) as error:
            raise UsageError("this link is not valid any more") from error
        return str(order_key), str(account_key)

    def read_unsubscribe(self, token: str) -> int:
        """The contact an unsubscribe link is for. Raises `UsageError` where it is not ours."""
        try:
            return int(self._unsubscribes().loads(token))
        except (BadSignature, ValueError, TypeError) as error:
            raise UsageError("this link is not valid") from error

    def _renewals(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt="renewal")

    def _unsubscribes(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.secret, salt="unsubscribe")


@dataclass(frozen=True, slots=True)
class ConsoleLinks:
    """Where there is no web app: the call to action is the console's address, and unsubscribing is by mail."""

    console_url: str

    def renewal(self, order_key: str, account_key: str) -> str:
        return self.console_url

    def unsubscribe(self, contact_id: int, address: str) -> str:
        return ""
