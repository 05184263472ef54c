"""A sign of life to a service that raises the alarm when none comes: a dead man's switch."""

import urllib3

TIMEOUT_SECONDS = 10.0


def ping(url: str) -> str:
    """Asks for the address once; gives why that failed, without the address, or nothing. Never raises."""
    timeout = urllib3.Timeout(connect=TIMEOUT_SECONDS, read=TIMEOUT_SECONDS)
    try:
        with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
            answer = pool.request("GET", url, redirect=False)
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        return f"the service at [schedule] ping_url cannot be reached ({type(error).__name__})"
    if answer.status >= 300:
        return f"the service at [schedule] ping_url answers {answer.status}"
    return ""
