"""jobs.blobs.signing: the signature is the one that AWS publishes for its own example."""

from datetime import UTC, datetime

from jobs.blobs.signing import Signer

AT = datetime(2013, 5, 24, tzinfo=UTC)
SIGNER = Signer(
    "https://examplebucket.s3.amazonaws.com",
    "us-east-1",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
)


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    address = SIGNER.address("GET", "test.txt", {}, seconds=86400, at=AT)
    assert address.endswith("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
    assert address.startswith("https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&")


def test_another_method_object_time_or_question_is_another_signature() -> None:
    addresses = {
        SIGNER.address("GET", "test.txt", {}, seconds=60, at=AT),
        SIGNER.address("DELETE", "test.txt", {}, seconds=60, at=AT),
        SIGNER.address("GET", "test.text", {}, seconds=60, at=AT),
        SIGNER.address("GET", "test.txt", {}, seconds=61, at=AT),
        SIGNER.address("GET", "test.txt", {"uploads": ""}, seconds=60, at=AT),
    }
    assert len({address.rpartition("=")[2] for address in addresses}) == len(addresses)


def test_what_a_name_holds_changes_nothing_of_the_question() -> None:
    address = SIGNER.address("GET", "a b&c?d#é", {"response-content-disposition": 'x="&y'}, seconds=60, at=AT)
    assert "/a%20b%26c%3Fd%23%C3%A9?" in address
    assert "response-content-disposition=x%3D%22%26y" in address
