"""winnow.transfer: bytes arrive whole and verified, or not at all; what was cut goes on where it stopped."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.errors import DigestError, TransportError
from winnow.transfer import fetch, sha256_of, target_of, upload_blob, verify_folder

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_what_arrives_is_what_was_sent_and_nothing_else_is_left(script: Any, tmp_path: Path) -> None:
    script.say(body=CONTENT)
    assert fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "a/b.bin")
    assert (tmp_path / "a/b.bin").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.bin"]


def test_a_cut_download_goes_on_where_it_stopped(script: Any, tmp_path: Path) -> None:
    script.say(body=CONTENT, cut_after=1000)
    script.say(206, CONTENT[1000:])
    fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "b.bin")
    assert script.asked[1].headers["Range"] == "bytes=1000-"
    assert script.asked[1].headers["If-Range"] == f'"{DIGEST}"'
    assert (tmp_path / "b.bin").read_bytes() == CONTENT


def test_a_server_that_starts_over_is_followed(script: Any, tmp_path: Path) -> None:
    script.say(body=CONTENT, cut_after=1000)
    script.say(200, CONTENT)
    fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "b.bin")
    assert (tmp_path / "b.bin").read_bytes() == CONTENT


def test_a_connection_cut_again_and_again_costs_no_patience_while_bytes_come(script: Any, tmp_path: Path) -> None:
    script.say(body=CONTENT, cut_after=100)
    for start in range(100, 1000, 100):
        script.say(206, CONTENT[start:], cut_after=100)
    script.say(206, CONTENT[1000:])
    fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "b.bin")
    assert script.naps == []


def test_other_bytes_are_refused_and_leave_nothing(script: Any, tmp_path: Path) -> None:
    script.say(body=CONTENT[:-1] + b"x")
    with pytest.raises(DigestError, match=r"b\.bin"):
        fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "b.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_spoiled_part_of_an_earlier_try_is_thrown_away(script: Any, tmp_path: Path) -> None:
    (tmp_path / f".b.bin.{DIGEST[:16]}.part").write_bytes(b"x" * 1000)
    script.say(206, CONTENT[1000:])
    script.say(200, CONTENT)
    fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "b.bin")
    assert (tmp_path / "b.bin").read_bytes() == CONTENT


def test_a_complete_part_needs_no_more_bytes(script: Any, tmp_path: Path) -> None:
    (tmp_path / f".b.bin.{DIGEST[:16]}.part").write_bytes(CONTENT)
    script.say_json({"code": "range_not_satisfiable"}, 416)
    fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "b.bin")
    assert (tmp_path / "b.bin").read_bytes() == CONTENT


def test_a_file_that_is_here_is_not_asked_for(script: Any, tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(CONTENT)
    assert not fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "b.bin")
    assert script.asked == []


def test_a_file_of_that_name_with_other_bytes_is_replaced(script: Any, tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(b"of an earlier job")
    script.say(body=CONTENT)
    assert fetch(script.connection(), "/f", sha256=DIGEST, target=tmp_path / "b.bin")
    assert (tmp_path / "b.bin").read_bytes() == CONTENT


def test_a_blob_the_service_has_is_not_sent(script: Any, tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(CONTENT)
    script.say()
    assert upload_blob(script.connection(), tmp_path / "b.bin") == DIGEST
    assert [asked.method for asked in script.asked] == ["HEAD"]


def test_an_upload_is_sent_whole_again_after_a_refusal_that_passes(script: Any, tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(CONTENT)
    script.say(404)
    script.say_json({"code": "unavailable"}, 503)
    script.say_json({"sha256": DIGEST}, 201)
    upload_blob(script.connection(), tmp_path / "b.bin")
    assert [asked.method for asked in script.asked] == ["HEAD", "PUT", "PUT"]
    assert [asked.body for asked in script.asked[1:]] == [CONTENT, CONTENT]
    assert script.asked[2].headers["Content-Length"] == str(len(CONTENT))


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "a\\b", "c:x", "a\0b"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="plain artifact name"):
        target_of(tmp_path, name)


@given(name=st.text(max_size=40))
def test_whatever_the_name_the_target_lies_in_the_folder(name: str) -> None:
    try:
        target = target_of(Path("/folder"), name)
    except TransportError:
        return
    assert Path("/folder") in target.parents
    assert ".." not in target.parts


def test_a_folder_is_checked_against_its_sums(tmp_path: Path) -> None:
    (tmp_path / "levels").mkdir()
    (tmp_path / "levels/a.bin").write_bytes(CONTENT)
    (tmp_path / "SHA256SUMS").write_text(f"{DIGEST}  levels/a.bin\n")
    assert verify_folder(tmp_path) == ["levels/a.bin"]


@pytest.mark.parametrize("content", [b"other", None])
def test_a_file_that_is_altered_or_missing_is_named(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "a.bin").write_bytes(content)
    (tmp_path / "SHA256SUMS").write_text(f"{DIGEST}  a.bin\n")
    with pytest.raises(DigestError, match=r"a\.bin"):
        verify_folder(tmp_path)


def test_the_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert sha256_of(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
