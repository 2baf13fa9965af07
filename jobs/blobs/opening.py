"""Which store the settings name, opened."""

from urllib.parse import urlsplit

from jobs.blobs.contract import Blobs
from jobs.blobs.folder import BlobFolder
from jobs.settings import Settings


def open_blobs(settings: Settings, *, patience_seconds: float = 15) -> Blobs:
    """Open the store that `blob_url` names, the folder in the home folder unless another was set.

    Args:
        patience_seconds: How long a store on the network is asked again before it counts as away.

    Raises:
        ValueError: It is the address of no store.
    """
    if settings.blob_url is None:
        return BlobFolder(settings.paths.blobs)
    url = urlsplit(settings.blob_url)
    if url.scheme != "s3" or not url.netloc or url.query or url.fragment:
        raise ValueError(f"expected a store like s3://bucket/prefix, got {settings.blob_url!r}")
    # The extra `s3` is needed by those who use it.
    from jobs.blobs.addressing import Bucket
    from jobs.blobs.bucket import BlobBucket

    secret = settings.s3_secret_access_key
    bucket = Bucket(
        name=url.netloc,
        prefix=url.path.strip("/"),
        endpoint=settings.s3_endpoint,
        public_endpoint=settings.s3_public_endpoint,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key_id,
        secret_access_key=None if secret is None else secret.get_secret_value(),
    )
    presigns = settings.s3_presign
    return BlobBucket(bucket, spool=settings.paths.blobs, presigns=presigns, patience_seconds=patience_seconds)
