"""jobs.blobs.opening: the store the settings name, and no other."""

from pathlib import Path

import pytest

from jobs.blobs import BlobFolder, open_blobs
from jobs.blobs.bucket import BlobBucket
from jobs.settings import Settings


def test_the_folder_in_the_home_folder_unless_another_was_set(tmp_path: Path) -> None:
    assert isinstance(open_blobs(Settings(home=tmp_path)), BlobFolder)
    assert (tmp_path / "blobs" / "incoming").is_dir()


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3://bucket/some/prefix"])
def test_a_bucket_where_one_is_named(tmp_path: Path, url: str) -> None:
    assert isinstance(open_blobs(Settings(home=tmp_path, blob_url=url)), BlobBucket)


@pytest.mark.parametrize("url", ["", "bucket", "s3://", "file:///tmp", "https://bucket", "s3://bucket?x=1"])
def test_anything_else_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/prefix"):
        open_blobs(Settings(home=tmp_path, blob_url=url))
