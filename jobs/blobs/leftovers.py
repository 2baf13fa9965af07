"""What was begun in a bucket in parts and never finished, taken away."""

import http.client
from datetime import UTC, datetime
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from xml.etree import ElementTree

from jobs.blobs.addressing import Bucket
from jobs.blobs.signing import Signer

_ANSWER_SECONDS = 30
_MANY = 1000


def abort_unfinished(bucket: Bucket, *, idle_seconds: float) -> int:
    """Abort the uploads in parts that nobody finished, whose parts the store keeps unseen, and count them.

    The library cannot list them. Without a key of its own to sign with, a bucket needs a lifecycle rule for this.
    """
    signer = bucket.signer(bucket.endpoint)
    if signer is None:
        return 0
    query = {"uploads": "", "prefix": bucket.object_name(""), "max-uploads": str(_MANY)}
    aborted = 0
    for upload in ElementTree.fromstring(_ask(signer, "GET", "", query)).iter():  # noqa: S314 - our own store's
        if upload.tag.rpartition("}")[2] != "Upload":
            continue
        told = {part.tag.rpartition("}")[2]: part.text or "" for part in upload}
        begun = datetime.fromisoformat(told["Initiated"])
        if (datetime.now(UTC) - begun).total_seconds() >= idle_seconds:
            _ask(signer, "DELETE", told["Key"], {"uploadId": told["UploadId"]})
            aborted += 1
    return aborted


def _ask(signer: Signer, method: str, key: str, query: dict[str, str]) -> bytes:
    address = signer.address(method, key, query, seconds=60, at=datetime.now(UTC))
    request = Request(address, method=method)  # noqa: S310 - the address of our own store
    try:
        with urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
            body: bytes = answer.read()
            return body
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError(f"expected {method} {urlsplit(address).path} to be answered, got {error}") from None
