import smtplib
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.smtp.mapping import LONGEST_TOLD, Step, broken, failure, refusal, told
from core.errors import ConfigurationError, NolapseError, PostponedError, RetriableError, SkippableError


class TestTold:
    @pytest.mark.parametrize(
        ("said", "shown"),
        [
            (
                b"5.1.1 <john.doe@example.com>: Recipient address rejected",
                "5.1.1 <address>: Recipient address rejected",
            ),
            (b"5.1.1 john.doe@example.com unknown", "5.1.1 <address> unknown"),
            (b"5.1.1 user=john.doe@example.com", "5.1.1 user=<address>"),
            (b"see https://example.com/?to=john.doe%40example.com", "see https://example.com/?to=<address>"),
            (b'5.1.1 <"john doe"@example.com> unknown', "5.1.1 <address> unknown"),
            (b"5.1.1 [john.doe@example.com]", "5.1.1 [<address>"),
            ("5.1.1 <jürgen@exämple.com> unknown".encode(), "5.1.1 <address> unknown"),
            (b"5.1.1 JOHN.DOE: no such user", "5.1.1 <hidden>: no such user"),
            (b"5.1.1 john.doe", "5.1.1 <hidden>"),
            (b"5.7.1 first line\nsecond line\r\n\tthird", "5.7.1 first line second line third"),
            (b"bell \x07 and \xff", "bell ? and \N{REPLACEMENT CHARACTER}"),
            (b"", ""),
        ],
    )
    def test_an_answer_is_one_line_without_people(self, said: bytes, shown: str) -> None:
        assert told(550, said, "john.doe") == f"550 {shown}".strip()

    @given(said=st.binary(max_size=500), local=st.from_regex(r"[a-z]{3,10}\.[a-z]{3,10}", fullmatch=True))
    def test_whatever_is_said_the_recipient_is_not_told(self, said: bytes, local: str) -> None:
        answer = told(550, said + b" " + local.encode() + b"@example.com " + local.encode() + b" " + said, local)
        assert local not in answer.lower()
        assert "@example.com" not in answer
        assert len(answer) <= LONGEST_TOLD + 4
        assert answer.isprintable()

    def test_a_word_is_hidden_only_as_a_whole(self) -> None:
        assert told(550, b"an unknown an", "an") == "550 <hidden> unknown <hidden>"


class TestRefusal:
    @pytest.mark.parametrize(
        ("step", "code", "kind"),
        [
            (Step.GREETING, 421, RetriableError),
            (Step.GREETING, 554, ConfigurationError),
            (Step.LOGIN, 535, ConfigurationError),
            (Step.LOGIN, 504, ConfigurationError),
            (Step.LOGIN, 454, RetriableError),
            (Step.SENDER, 530, ConfigurationError),
            (Step.SENDER, 550, ConfigurationError),
            (Step.SENDER, 451, RetriableError),
            (Step.SENDER, 552, SkippableError),
            (Step.RECIPIENT, 450, PostponedError),
            (Step.RECIPIENT, 452, PostponedError),
            (Step.RECIPIENT, 550, SkippableError),
            (Step.RECIPIENT, 551, SkippableError),
            (Step.RECIPIENT, 553, SkippableError),
            (Step.RECIPIENT, 530, ConfigurationError),
            (Step.MESSAGE, 452, PostponedError),
            (Step.MESSAGE, 421, RetriableError),
            (Step.MESSAGE, 552, SkippableError),
            (Step.MESSAGE, 554, SkippableError),
            (Step.RECIPIENT, 354, RetriableError),
            (Step.RECIPIENT, -1, RetriableError),
        ],
    )
    def test_each_answer_says_what_to_do(self, step: Step, code: int, kind: type[NolapseError]) -> None:
        error = refusal(step, code, f"{code} why")
        assert type(error) is kind
        assert f"{code} why" in str(error)
        assert "\n" not in str(error)

    def test_a_refused_login_names_the_settings(self) -> None:
        assert "smtp.user" in str(refusal(Step.LOGIN, 535, "535 no"))
        assert "brand.sender" in str(refusal(Step.SENDER, 550, "550 no"))


class TestFailure:
    @pytest.mark.parametrize(
        ("error", "kind", "words"),
        [
            (ConfigurationError("as it is"), ConfigurationError, "as it is"),
            (socket.gaierror(socket.EAI_NONAME, "x"), ConfigurationError, "mail.test is not known"),
            (socket.gaierror(socket.EAI_AGAIN, "x"), RetriableError, "cannot be looked up now"),
            (UnicodeEncodeError("ascii", "ä", 0, 1, "x"), ConfigurationError, "plain ASCII"),
            (ssl.SSLEOFError(8, "eof"), RetriableError, "closed the connection while"),
            (ssl.SSLError(1, "wrong version number"), ConfigurationError, 'smtp.security = "starttls"'),
            (smtplib.SMTPConnectError(421, b"busy"), RetriableError, "421 busy"),
            (smtplib.SMTPConnectError(554, "no service"), ConfigurationError, "554 no service"),
            (smtplib.SMTPHeloError(501, b"who are you"), ConfigurationError, "501 who are you"),
            (
                smtplib.SMTPAuthenticationError(535, b"5.7.8 nolapse is wrong"),
                ConfigurationError,
                "<hidden> is wrong",
            ),
            (smtplib.SMTPAuthenticationError(454, b"later"), RetriableError, "454 later"),
            (smtplib.SMTPNotSupportedError("no AUTH"), ConfigurationError, "offers no login"),
            (smtplib.SMTPServerDisconnected("gone"), RetriableError, 'smtp.security = "tls"'),
            (TimeoutError(), RetriableError, "did not answer in time"),
            (ConnectionRefusedError(111, "refused"), RetriableError, "check smtp.host, smtp.port"),
            (OSError(113, "No route to host"), RetriableError, "No route to host"),
            (OSError(), RetriableError, "OSError"),
        ],
    )
    def test_it_is_told_with_the_way_out(self, error: Exception, kind: type[NolapseError], words: str) -> None:
        found = failure(error, "mail.test", 587, "starttls", "nolapse")
        assert type(found) is kind
        assert words in str(found)
        assert "\n" not in str(found)

    def test_an_untrusted_certificate_names_the_setting(self) -> None:
        error = ssl.SSLCertVerificationError(1, "x")
        error.verify_message = "self-signed certificate"
        found = failure(error, "mail.test", 465, "tls", "")
        assert isinstance(found, ConfigurationError)
        assert "self-signed certificate" in str(found)
        assert "smtp.ca_file" in str(found)

    def test_a_lost_connection_says_how(self) -> None:
        assert broken(smtplib.SMTPServerDisconnected("gone")) == "closed the connection"
        assert broken(ConnectionResetError()) == "closed the connection"
        assert broken(TimeoutError()) == "did not answer in time"
        assert broken(smtplib.SMTPResponseException(500, "Line too long.")) == "answered nonsense"
        late = smtplib.SMTPServerDisconnected("gone")
        late.__context__ = TimeoutError()
        assert broken(late) == "did not answer in time"
