"""Runs the stand-in until it is interrupted: `python -m tests.fakes.salesforce [FOLDER OF METADATA ...]`."""

import sys
import threading
from pathlib import Path

from tests.fakes.salesforce import SESSION, Org, running_salesforce

if __name__ == "__main__":
    org = Org()
    for folder in sys.argv[1:]:
        org.deploy(Path(folder))
    with running_salesforce(org) as running:
        sys.stdout.write(f"base_url = {running.base_url}\ndomain = acme.my\nsession_id = {SESSION}\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.exit(0)
