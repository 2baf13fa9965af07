"""What the tests of stores share: each kind of store, empty."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest

from jobs.blobs import BlobFolder, Blobs, open_blobs
from jobs.blobs.naming import key_of
from jobs.settings import Settings

if TYPE_CHECKING:
    pass

OpenStore = Callable[[], Blobs]


@pytest.fixture(params=["folder", "s3"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens the same store each time, as one more process would."""
    changes = request.getfixturevalue("object_store").bucket() if request.param == "s3" else {}
    settings = Settings(home=tmp_path, **changes)
    settings.paths.make()
    return lambda: open_blobs(settings)


@pytest.fixture
def store(open_store: OpenStore) -> Blobs:
    """An empty store."""
    return open_store()


@pytest.fixture
def damage(store: Blobs) -> Callable[[str, bytes], None]:
    """Puts other bytes under a blob's name, as no store of ours would."""

    def put(sha256: str, data: bytes) -> None:
        if isinstance(store, BlobFolder):
            store.path(sha256).write_bytes(data)
        else:
            obstore.put(store._store, key_of(sha256), data)  # type: ignore[attr-defined]

    return put
