"""docker-compose.yml and Dockerfile name only what exists: no Docker engine is needed to know."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ("migrate", "api", "worker")


def settings_of(service: str) -> set[str]:
    """Name the environment variables that the service's own settings read."""
    if service == "api":
        from api.settings import Settings as Read
    else:
        from worker.settings import Settings as Read
    prefix = Read.model_config["env_prefix"]
    return {f"{prefix}{name}".upper() for name in Read.model_fields}


def test_every_service_that_is_waited_for_exists_and_can_be_waited_for():
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]


def test_every_volume_that_is_mounted_is_declared_and_the_other_way_round():
    mounted = {
        volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]
    }
    assert mounted == set(COMPOSE["volumes"])


def test_every_variable_stands_in_the_example_file():
    used = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    offered = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert used == offered


@pytest.mark.parametrize("service", ["api", "worker"])
def test_every_setting_given_to_our_services_is_one_that_they_read(service):
    given = {name for name in SERVICES[service]["environment"] if name.startswith("COLROW_")}
    assert given <= settings_of(service)


def test_no_password_is_written_into_the_file():
    for line in (ROOT / "docker-compose.yml").read_text().splitlines():
        for value in re.findall(r"(?:PASSWORD|AUTH): (.*)$", line):
            assert value.startswith("${")


def test_the_servers_are_published_to_loopback_only():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("service", OURS)
def test_every_entry_point_of_ours_exists(service):
    entry = SERVICES[service].get("entrypoint")
    if entry is None:
        assert SERVICES[service]["command"] == ["db", "upgrade"]
    else:
        assert (ROOT / entry[2] / "__main__.py").is_file()


def test_every_path_that_the_image_copies_exists():
    copies = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source for copy in copies for source in copy.split()[:-1]]
    assert len(sources) > 8
    assert not [source for source in sources if not (ROOT / source).exists()]
