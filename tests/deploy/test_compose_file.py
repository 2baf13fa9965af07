"""docker-compose.yml and deploy/Dockerfile: what they promise can be read off them."""

import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.operating.listening import allowed_hosts

ROOT = Path(__file__).parents[2]
OURS = ("setup", "api", "worker-cpu", "worker-gpu")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def test_the_compose_file_is_one() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_there_is_everything_a_deployment_needs(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*OURS, "postgres", "valkey", "store"}
    assert {
        name: service.get("profiles") for name, service in compose["services"].items() if "profiles" in service
    } == {
        "worker-cpu": ["cpu"],
        "worker-gpu": ["gpu"],
    }


@pytest.mark.parametrize("name", OURS)
def test_our_containers_hold_no_right_they_do_not_need(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert "user" not in service  # the image's own, which is not root


def test_everything_that_stays_says_whether_it_is_well(compose: dict[str, Any]) -> None:
    lasting = [name for name in compose["services"] if name != "setup"]
    assert [name for name in lasting if "healthcheck" not in compose["services"][name]] == []


def test_the_gpu_worker_reserves_devices(compose: dict[str, Any]) -> None:
    (device,) = compose["services"]["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


def test_the_broker_keeps_and_never_evicts(compose: dict[str, Any]) -> None:
    command = " ".join(compose["services"]["valkey"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_the_api_is_served_under_each_name_it_is_reached_under(compose: dict[str, Any]) -> None:
    allows = allowed_hosts("0.0.0.0", compose["services"]["api"]["environment"]["WINNOW_ALLOWED_HOSTS"])
    assert [name for name in ("localhost", "127.0.0.1", "api") if not allows(name)] == []


def test_no_secret_is_written_down(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD|SECRET_ACCESS|_URL$", name) or value in (
                "/run/secrets/postgres_password",
                "s3://winnow/blobs",
            )
    for secret in compose["secrets"].values():
        assert secret["file"].startswith("deploy/secrets/")
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text()
    assert "deploy/secrets" in (ROOT / ".dockerignore").read_text()


def test_every_image_of_ours_ends_as_another_user_than_root() -> None:
    stages = re.split(r"^FROM .* AS ", (ROOT / "deploy" / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    targets = {stage.split(maxsplit=1)[0]: stage for stage in stages}
    for target in ("service", "worker", "worker-gpu"):
        assert re.search(r"^USER 10001$", targets[target], re.MULTILINE), target


def test_secrets_are_made_once_and_stay(tmp_path: Path) -> None:
    script = tmp_path / "make-secrets.sh"
    script.write_text((ROOT / "deploy" / "make-secrets.sh").read_text())

    def made() -> dict[str, str]:
        subprocess.run(["sh", str(script)], check=True, capture_output=True)
        return {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    first = made()
    assert made() == first
    assert first["postgres_password"] in first["winnow_database_url"]
    assert len({first[name] for name in first}) == len(first) == 6
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
