"""Names of things: a word for the kind and a ULID, so that names sort by the time they were made."""

import re
from typing import Literal

from ulid import ULID

Prefix = Literal["job", "mdl", "ds", "evt", "key"]

_ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
MODEL_ID = rf"^mdl_{_ULID}$"
DATASET_ID = rf"^ds_{_ULID}$"
JOB_ID = rf"^job_{_ULID}$"
KEY_ID = rf"^key_{_ULID}$"
SHA256 = r"^[0-9a-f]{64}$"
LABEL_KEY = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"


def new_id(prefix: Prefix) -> str:
    """Make a name that no other thing has, e.g. `job_01J9ZD6T2N8Q4R5S6T7V8W9X0Y`."""
    return f"{prefix}_{ULID()}"


def is_sha256(text: str) -> bool:
    """Say whether `text` is a sha256 in lower-case hexadecimal."""
    return re.fullmatch(SHA256, text) is not None
