"""Where a blob lies below the root of its store: by its digest, spread over 256 folders."""

from jobs.ids import is_sha256

INCOMING = "incoming"
"""What is being written; anything old in here was cut short and may be deleted."""


def key_of(sha256: str) -> str:
    """Say where a blob lies, whether it is there or not.

    Raises:
        ValueError: `sha256` is not 64 lower-case hexadecimal digits.
    """
    if not is_sha256(sha256):
        raise ValueError(f"expected 64 lower-case hexadecimal digits, got {sha256[:80]!r}")
    return f"{sha256[:2]}/{sha256}"
