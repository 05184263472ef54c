"""A mail server's answers → what the engine must do. Pure."""

import re
import smtplib
import socket
import ssl
from enum import StrEnum

from core.errors import ConfigurationError, NolapseError, PostponedError, RetriableError, SkippableError

LONGEST_TOLD = 200

_ADDRESS = re.compile(r"<?(?:\"[^\"]*\"|[^\s<>\"',;:()\[\]=]+)(?:@|%40)[^\s<>\"',;()]+>?")
_LOGIN_CODES = {530, 534, 535, 538}
_TOO_LARGE = 552
_CLOSING = 421


class Step(StrEnum):
    """What the server was asked when it answered."""

    GREETING = "the connection"
    LOGIN = "the login"
    SENDER = "the sender"
    RECIPIENT = "the recipient"
    MESSAGE = "the message"


def told(code: int, said: bytes, *hidden: str) -> str:
    """The answer as it may be logged: one line, without addresses and without the `hidden` words."""
    text = " ".join(said.decode("utf-8", "replace").split())
    text = "".join(character if character.isprintable() else "?" for character in text)
    text = _ADDRESS.sub("<address>", text)
    for word in hidden:
        if len(word) >= 2:
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "<hidden>", text, flags=re.IGNORECASE)
    return f"{code} {text[:LONGEST_TOLD]}".strip()


def refusal(step: Step, code: int, answer: str) -> NolapseError:
    """The error that a negative answer means (RFC 5321 §4.2.1, RFC 4954 §6). `answer` comes from `told`."""
    if 400 <= code < 500:
        of_this_mail = step in (Step.RECIPIENT, Step.MESSAGE) and code != _CLOSING
        return (PostponedError if of_this_mail else RetriableError)(f"the mail server puts {step} off: {answer}")
    if code in _LOGIN_CODES or step is Step.LOGIN:
        return ConfigurationError(
            f"the mail server refuses the login: {answer}; check smtp.user and the password (NOLAPSE_SMTP__PASSWORD)"
        )
    if not 500 <= code < 600:
        return RetriableError(f"the mail server gave an answer out of place to {step}: {answer}")
    if step is Step.GREETING:
        return ConfigurationError(f"the mail server does not talk to this machine: {answer}; ask who runs it")
    if step is Step.SENDER and code != _TOO_LARGE:
        return ConfigurationError(f"the mail server refuses the sender: {answer}; check brand.sender")
    return SkippableError(f"the mail server refuses {step}: {answer}")


def broken(error: BaseException) -> str:
    """What happened to a connection."""
    if isinstance(error, smtplib.SMTPResponseException):
        return "answered nonsense"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "did not answer in time"
    return "closed the connection"


def failure(error: Exception, host: str, port: int, security: str, user: str) -> NolapseError:
    """Why a connection could not be made, in words for the operator, with the way out."""
    where = f"the mail server {host}:{port}"
    match error:
        case NolapseError():
            return error
        case socket.gaierror() if error.errno == socket.EAI_AGAIN:
            return RetriableError(f"smtp.host: the name {host} cannot be looked up now; check the network")
        case socket.gaierror():
            return ConfigurationError(f"smtp.host: the name {host} is not known; check it")
        case UnicodeError():
            return ConfigurationError("smtp.host, smtp.user or the password cannot be sent; use plain ASCII characters")
        case ssl.SSLCertVerificationError():
            return ConfigurationError(
                f"{where} shows a certificate that is not trusted ({error.verify_message}); "
                "name the certificate of its CA in smtp.ca_file, or the host as the certificate does"
            )
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return RetriableError(f"{where} closed the connection while it was being encrypted")
        case ssl.SSLError():
            why = getattr(error, "reason", None) or "no reason given"
            return ConfigurationError(
                f"{where} and this machine find no common encryption ({why}); "
                'where it is not a TLS port set smtp.security = "starttls"'
            )
        case smtplib.SMTPAuthenticationError():
            return refusal(Step.LOGIN, error.smtp_code, told(error.smtp_code, _octets(error), user))
        case smtplib.SMTPResponseException():
            return refusal(Step.GREETING, error.smtp_code, told(error.smtp_code, _octets(error)))
        case smtplib.SMTPServerDisconnected() | TimeoutError():
            hint = '; where it is a TLS port set smtp.security = "tls"' if security != "tls" else ""
            return RetriableError(f"{where} {broken(error)} when it was called{hint}")
        case smtplib.SMTPException():
            return ConfigurationError(
                f"{where} offers no login that can be used here; leave smtp.user empty or ask who runs it"
            )
        case ConnectionRefusedError():
            return RetriableError(f"{where} does not answer; check smtp.host, smtp.port and that it runs")
    return RetriableError(f"{where} cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}")


def _octets(error: smtplib.SMTPResponseException) -> bytes:
    said = error.smtp_error
    return said.encode("utf-8", "replace") if isinstance(said, str) else said
