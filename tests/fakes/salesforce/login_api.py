"""Logins: OAuth's JWT bearer and client credentials, the old SOAP login, and who somebody is."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import jwt

from tests.fakes.salesforce.apps import App
from tests.fakes.salesforce.errors import LoginError
from tests.fakes.salesforce.ids import checked
from tests.fakes.salesforce.org import Org
from tests.fakes.salesforce.routing import Call, Reply, route

_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SPAN = timedelta(minutes=5)


@route("POST", "/services/oauth2/token", "login.token", free=True)
def token(call: Call) -> Reply:
    form = dict(parse_qsl(call.octets.decode()))
    grant = form.get("grant_type", "")
    if grant == _JWT:
        app, user = _by_jwt(call.org, form.get("assertion", ""))
    elif grant == "client_credentials":
        app, user = _by_secret(call, form)
    elif grant == "password":
        raise LoginError(400, "invalid_grant", "authentication failure")
    else:
        raise LoginError(400, "unsupported_grant_type", "grant type not supported")
    return Reply(200, _session(call.org, app, user))


def _by_jwt(org: Org, assertion: str) -> tuple[App, str]:
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise LoginError(400, "invalid_grant", "invalid assertion") from None
    app = _app(org, str(claims.get("iss", "")))
    if not app.jwt:
        raise LoginError(400, "unsupported_grant_type", "grant type not supported")
    try:
        jwt.decode(assertion, app.certificate, algorithms=["RS256"],
                   options={"verify_aud": False, "verify_exp": False, "verify_sub": False})  # fmt: skip
    except (jwt.InvalidTokenError, ValueError):
        raise LoginError(400, "invalid_grant", "invalid assertion") from None
    home = "https://test.salesforce.com" if org.is_sandbox else "https://login.salesforce.com"
    if claims.get("aud") not in (home, f"https://{org.my_domain}"):
        raise LoginError(400, "invalid_grant", "audience is invalid")
    ends = datetime.fromtimestamp(int(claims.get("exp", 0)), UTC)
    if not org.clock.now() <= ends <= org.clock.now() + _SPAN:
        raise LoginError(400, "invalid_grant", "expired authorization code")
    return app, _permitted(org, app, str(claims.get("sub", "")))


def _by_secret(call: Call, form: dict[str, str]) -> tuple[App, str]:
    key, secret = form.get("client_id", ""), form.get("client_secret", "")
    basic = call.headers.get("authorization", "")
    if basic.startswith("Basic "):
        try:
            key, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise LoginError(400, "invalid_client", "invalid client credentials") from None
    app = _app(call.org, key)
    if app.consumer_secret != secret:
        raise LoginError(400, "invalid_client", "invalid client credentials")
    if not app.client_credentials:
        raise LoginError(400, "invalid_grant", "client credentials flow not enabled")
    if not app.run_as:
        raise LoginError(400, "invalid_grant", "no client credentials user enabled")
    return app, _permitted(call.org, app, app.run_as)


def _app(org: Org, key: str) -> App:
    app = next((one for one in org.apps if one.consumer_key == key), None)
    if app is None:
        raise LoginError(400, "invalid_client_id", "client identifier invalid")
    if app.blocked:
        raise LoginError(400, "OAUTH_APP_BLOCKED", "this app is blocked by admin")
    if app.restricted_network:
        raise LoginError(400, "invalid_grant", "ip restricted")
    return app


def _permitted(org: Org, app: App, username: str) -> str:
    user = next((one for one in org.rows("User") if one["Username"].lower() == username.lower()), None)
    if user is None or not app.installed:
        raise LoginError(400, "invalid_grant", "user hasn't approved this consumer")
    if not user["IsActive"]:
        raise LoginError(400, "inactive_user", "user is inactive")
    if app.approved is not None and user["Username"] not in app.approved:
        raise LoginError(400, "invalid_app_access", "user is not admin approved to access this app")
    return str(user["Id"])


def _session(org: Org, app: App, user: str) -> dict[str, Any]:
    app.logins.append(user)
    number = sum(len(one.logins) for one in org.apps)
    token = f"{org.organization_id[:15]}!AQ{number:06}{user[-6:]}"
    org.sessions[token] = (user, org.clock.now() + org.session_life)
    org.scopes[token] = app.scope
    return {
        "access_token": token,
        "scope": app.scope,
        "instance_url": f"https://{org.my_domain}",
        "id": f"https://login.salesforce.com/id/{org.organization_id}/{user}",
        "token_type": "Bearer",
        "issued_at": str(int(org.clock.now().timestamp() * 1000)),
        "api_instance_url": "https://api.salesforce.com",
    }


@route("GET", "/services/oauth2/userinfo", "login.userinfo")
def userinfo(call: Call) -> Reply:
    user = call.org.row(call.user)
    token = call.headers["authorization"].removeprefix("Bearer ")
    if not {"id", "openid", "full"} & set(call.org.scopes.get(token, "full").split()):
        return Reply(403, "Bad_OAuth_Token", type="text/html")
    return Reply(200, {
        "sub": f"https://login.salesforce.com/id/{call.org.organization_id}/{call.user}",
        "user_id": call.user,
        "organization_id": call.org.organization_id,
        "preferred_username": user["Username"],
        "name": user["Name"],
        "email": user["Email"],
        "user_type": "STANDARD",
        "active": user["IsActive"],
    })  # fmt: skip


@route("GET", "/id/{organization}/{user}", "login.identity")
def identity(call: Call, organization: str, user: str) -> Reply:
    if checked(organization) != call.org.organization_id or checked(user) != call.user:
        return Reply(404, "Bad_Id", type="text/html")
    return userinfo(call)


@route("POST", "/services/oauth2/revoke", "login.revoke", free=True)
def revoke(call: Call) -> Reply:
    form = dict(parse_qsl(call.octets.decode()))
    call.org.sessions.pop(form.get("token", ""), None)
    return Reply(200, "", type="text/html")


@route("POST", "/services/Soap/u/{version}", "login.soap", free=True)
def soap(call: Call, version: str) -> Reply:
    text = call.octets.decode()
    if float(version) >= 65:
        return _fault("INVALID_OPERATION", f"SOAP API login() is not supported in API version {version}")
    name = re.search(r"<\w+:username>(.*?)<", text)
    password = re.search(r"<\w+:password>(.*?)<", text)
    user = next((one for one in call.org.rows("User") if name and one["Username"] == name[1]), None)
    if user is None or password is None or call.org.passwords.get(user["Username"]) != password[1]:
        message = "Invalid username, password, security token; or user locked out."
        return _fault("INVALID_LOGIN", f"INVALID_LOGIN: {message}")
    app = App("soap", scope="full")
    said = _session(call.org, app, user["Id"])
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns="urn:partner.soap.sforce.com"><soapenv:Body><loginResponse><result>'
        f"<serverUrl>https://{call.org.my_domain}/services/Soap/u/{version}/{call.org.organization_id[:15]}</serverUrl>"
        f"<sessionId>{said['access_token']}</sessionId><userId>{user['Id']}</userId>"
        "</result></loginResponse></soapenv:Body></soapenv:Envelope>"
    )
    return Reply(200, body, type="text/xml;charset=UTF-8")


def _fault(code: str, message: str) -> Reply:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body><soapenv:Fault><faultcode>sf:' + code +
        f"</faultcode><faultstring>{message}</faultstring><detail><sf:LoginFault><sf:exceptionCode>{code}"
        f"</sf:exceptionCode><sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )  # fmt: skip
    return Reply(500, body, type="text/xml;charset=UTF-8")
