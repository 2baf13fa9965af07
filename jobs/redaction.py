"""What a secret of ours looks like, so that none is written where it does not belong; knows no key."""

import re

PREFIX = "wn_"
HINT_CHARACTERS = 8
"""Shown of a secret: enough to tell one from another, 30 of its 256 bits."""
_SECRET = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{16,}}")


def redacted(text: str) -> str:
    """Cut every secret in a text down to its first characters."""
    return _SECRET.sub(lambda found: f"{found[0][:HINT_CHARACTERS]}…", text)
