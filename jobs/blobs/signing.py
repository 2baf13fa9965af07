"""Addresses signed with AWS Signature Version 4, for what the S3 library cannot ask for; sends nothing."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Signer:
    """Who signs, and for which bucket."""

    base: str
    """Address of the bucket, without a slash at its end."""
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)

    def address(self, method: str, key: str, query: Mapping[str, str], *, seconds: int, at: datetime) -> str:
        """Sign an address that allows one method on one object for a while.

        Args:
            key: Name of the object; empty for the bucket itself.
            query: What else is asked for, e.g. `response-content-disposition`.
            at: Now, in UTC.
        """
        url = urlsplit(f"{self.base}/{quote(key)}" if key else self.base)
        stamp = at.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        asked = dict(query) | {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.access_key_id}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
        }
        written = "&".join(f"{quote(name, safe='')}={quote(asked[name], safe='')}" for name in sorted(asked))
        request = f"{method}\n{url.path}\n{written}\nhost:{url.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._signing_key(scope), to_sign.encode(), hashlib.sha256).hexdigest()
        return f"{url.scheme}://{url.netloc}{url.path}?{written}&X-Amz-Signature={signature}"

    def _signing_key(self, scope: str) -> bytes:
        made = f"AWS4{self.secret_access_key}".encode()
        for part in scope.split("/"):
            made = hmac.new(made, part.encode(), hashlib.sha256).digest()
        return made
