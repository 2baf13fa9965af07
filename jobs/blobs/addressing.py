"""How a bucket is reached, and signed addresses of what is in it; sends nothing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from jobs.blobs.signing import Signer

if TYPE_CHECKING:
    from obstore.store import S3Config

RETRIES = 4
"""Of one request by the library itself: a part that fails costs no whole upload."""


@dataclass(frozen=True)
class Bucket:
    """A bucket and the right to use it."""

    name: str
    prefix: str = ""
    endpoint: str | None = None
    """Absent: that of AWS."""
    public_endpoint: str | None = None
    """As clients reach it, where that is another way."""
    region: str = "us-east-1"
    access_key_id: str | None = None
    """Absent: what the environment or the machine's role gives."""
    secret_access_key: str | None = field(default=None, repr=False)

    def signer(self, endpoint: str | None) -> Signer | None:
        """Make what signs requests to it; None without a key of its own."""
        if self.access_key_id is None or self.secret_access_key is None:
            return None
        base = endpoint or f"https://s3.{self.region}.amazonaws.com"
        return Signer(f"{base.rstrip('/')}/{self.name}", self.region, self.access_key_id, self.secret_access_key)

    def object_name(self, key: str) -> str:
        """Give the name that the store itself knows an object by."""
        return f"{self.prefix}/{key}" if self.prefix else key


def obstore_of(bucket: Bucket, *, request_seconds: float, endpoint: str | None = None) -> S3Store:
    """Open a bucket; nothing is sent yet."""
    config: S3Config = {"region": bucket.region, "copy_if_not_exists": "multipart"}
    if endpoint := endpoint or bucket.endpoint:
        config["endpoint"] = endpoint
    if bucket.access_key_id is not None and bucket.secret_access_key is not None:
        config["access_key_id"] = bucket.access_key_id
        config["secret_access_key"] = bucket.secret_access_key
    seconds = timedelta(seconds=request_seconds)
    return S3Store(
        bucket.name,
        prefix=bucket.prefix or None,
        config=config,
        client_options={"allow_http": True, "connect_timeout": min(seconds, timedelta(seconds=5)), "timeout": seconds},
        retry_config={
            "max_retries": RETRIES,
            "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=2), "base": 2},
            "retry_timeout": 2 * seconds,
        },
    )


def signed_address(bucket: Bucket, key: str, *, seconds: int, name: str | None, media_type: str) -> str:
    """Sign an address that downloads an object; see `Blobs.presigned`.

    Without a key of its own the library signs, which cannot tell the store under what name and type to send it.
    """
    endpoint = bucket.public_endpoint or bucket.endpoint
    signer = bucket.signer(endpoint)
    if signer is None:
        store = obstore_of(bucket, request_seconds=30, endpoint=endpoint)
        return obstore.sign(store, "GET", key, timedelta(seconds=seconds))
    query = {"response-content-type": media_type}
    if name is not None:
        query["response-content-disposition"] = f'attachment; filename="{name}"'
    return signer.address("GET", bucket.object_name(key), query, seconds=seconds, at=datetime.now(UTC))
