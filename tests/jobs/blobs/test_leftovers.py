"""jobs.blobs.leftovers: of uploads in parts, the old ones are aborted and those under way are left alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.blobs import leftovers
from jobs.blobs.addressing import Bucket
from jobs.blobs.leftovers import abort_unfinished

BUCKET = Bucket("bucket", "prefix", "http://127.0.0.1:9", access_key_id="key", secret_access_key="secret")
UPLOAD = "<Upload><Key>prefix/incoming/{0}</Key><UploadId>{0}</UploadId><Initiated>{1}</Initiated></Upload>"


def test_old_uploads_are_aborted_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a list as S3 writes it: moto dates every upload 2010."""
    asked: list[tuple[Any, ...]] = []
    now = datetime.now(UTC)
    made = {"old": now - timedelta(days=2), "young": now - timedelta(minutes=1)}
    listed = "".join(UPLOAD.format(name, at.strftime("%Y-%m-%dT%H:%M:%S.000Z")) for name, at in made.items())
    space = "http://s3.amazonaws.com/doc/2006-03-01/"

    def answer(signer: Any, method: str, key: str, query: dict[str, str]) -> bytes:
        asked.append((method, key, query.get("uploadId")))
        return f'<ListMultipartUploadsResult xmlns="{space}">{listed}</ListMultipartUploadsResult>'.encode()

    monkeypatch.setattr(leftovers, "_ask", answer)
    assert abort_unfinished(BUCKET, idle_seconds=86400) == 1
    assert asked == [("GET", "", None), ("DELETE", "prefix/incoming/old", "old")]


def test_without_a_key_of_its_own_nothing_is_asked() -> None:
    assert abort_unfinished(Bucket("bucket"), idle_seconds=0) == 0
