"""Everything the service keeps, copied into a folder and back: rows and bytes, whatever database and store hold them.

FOLDER/
├── backup.json         what is in it, with digests; written last: without it the copy was cut short
├── tables/job.jsonl    one JSON object per row
└── blobs/ab/abcdef…    one file per blob
"""

from jobs.backup.making import back_up
from jobs.backup.manifest import Manifest
from jobs.backup.restoring import restore

__all__ = ["Manifest", "back_up", "restore"]
