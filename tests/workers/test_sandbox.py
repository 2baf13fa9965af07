"""workers.sandbox: the policy grants what a job needs and nothing that could hold a secret."""

import sys
from pathlib import Path

import pytest

from workers import landlock
from workers.sandbox import (
    Device,
    Errand,
    Limits,
    Sandbox,
    SandboxError,
    package_folder,
    policy,
    readable_folders,
    refuse_readable,
)

LEVEL = Sandbox("landlock", 7)


def rules(folder: Path, *, writes: tuple[str, ...] = ("out",), device: Device | None = None) -> dict[str, int]:
    errand = Errand([sys.executable], folder, writes, Limits(None), device or Device())
    granted: dict[str, int] = {}
    for path, rights in policy(LEVEL, errand, parent=1, event_fd=None)["rules"]:
        granted[path] = granted.get(path, 0) | rights
    return granted


def test_only_the_named_parts_of_the_folder_may_be_written(tmp_path: Path) -> None:
    writable = {path for path, rights in rules(tmp_path).items() if rights & landlock.WRITE_FILE}
    assert writable == {str(tmp_path / "out"), "/dev/null"}


def test_only_the_interpreter_and_the_loader_may_be_executed(tmp_path: Path) -> None:
    executable = {Path(path) for path, rights in rules(tmp_path).items() if rights & landlock.EXECUTE}
    assert Path(sys.executable).resolve() in executable
    assert all(path == Path(sys.executable).resolve() or path.name.startswith("ld-") for path in executable)


def test_of_our_own_code_only_the_installed_package_may_be_read(tmp_path: Path) -> None:
    granted = rules(tmp_path)
    assert str(package_folder()) in granted
    assert str(package_folder().parent) not in granted or package_folder().parent.name == "site-packages"


@pytest.mark.parametrize(
    "forbidden", ["/", "/home", "/root", "/etc", "/tmp", "/var", "/proc", "/run", "/dev", "/dev/shm"]
)
def test_no_folder_that_holds_other_peoples_files_may_be_read(forbidden: str, tmp_path: Path) -> None:
    assert forbidden not in rules(tmp_path)


def test_a_gpu_is_one_device_seen_and_its_number_hidden(tmp_path: Path) -> None:
    errand = Errand([sys.executable], tmp_path, (), Limits(None), Device("gpu", index=3, threads=4))
    environment = policy(LEVEL, errand, parent=1, event_fd=None)["environment"]
    assert environment["CUDA_VISIBLE_DEVICES"] == "3"
    assert environment["OMP_NUM_THREADS"] == "4"
    assert errand.device.torch_name == "cuda:0"


@pytest.mark.parametrize(
    ("device", "visible"),
    [(Device(), ""), (Device("gpu", 1), "1"), (Device("gpu", 1, gpu="GPU-8f3a"), "GPU-8f3a")],
)
def test_a_child_sees_its_own_gpu_by_the_name_its_slot_was_given(device: Device, visible: str, tmp_path: Path) -> None:
    errand = Errand([sys.executable], tmp_path, ("out",), Limits(None), device)
    environment = policy(LEVEL, errand, parent=1, event_fd=None)["environment"]
    assert environment["CUDA_VISIBLE_DEVICES"] == visible
    assert environment["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_address_space_is_limited_where_a_driver_does_not_reserve_more_than_there_is() -> None:
    assert "AS" not in Limits(memory_bytes=None).as_rlimits()
    assert Limits(memory_bytes=5).as_rlimits()["AS"] == 5


@pytest.mark.parametrize("inside", ["", "home", "a/b"])
def test_a_home_that_every_job_may_read_is_refused(inside: str) -> None:
    for folder in readable_folders():
        with pytest.raises(SandboxError, match="outside every folder"):
            refuse_readable(folder / inside)


def test_a_link_into_a_readable_folder_is_no_way_around(tmp_path: Path) -> None:
    (tmp_path / "home").symlink_to(sys.prefix)
    with pytest.raises(SandboxError):
        refuse_readable(tmp_path / "home" / "winnow")


def test_a_home_elsewhere_is_accepted(tmp_path: Path) -> None:
    refuse_readable(tmp_path)
