"""What a test needs beyond Python: skipped on a machine that lacks it, and a failure in CI, which must not lack it."""

import os
from pathlib import Path

import pytest


def needs(condition: object, what: str) -> None:
    """Go on where `condition` holds; otherwise skip the running test, or fail it where the environment says CI=true."""
    if condition:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"needs {what}", pytrace=False)
    pytest.skip(f"needs {what}")


def postgresql_programs() -> Path | None:
    """Debian's folder of PostgreSQL's programs, of its newest version; None where it is not installed."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else None
