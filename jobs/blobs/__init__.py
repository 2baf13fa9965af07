"""Bytes named by their sha256, in a folder or in an S3 bucket; knows no database and nobody who may read them."""

from jobs.blobs.contract import Blobs, Kept
from jobs.blobs.folder import BlobFolder
from jobs.blobs.opening import open_blobs
from jobs.blobs.writer import BlobWriter, Stored

__all__ = ["BlobFolder", "BlobWriter", "Blobs", "Kept", "Stored", "open_blobs"]
