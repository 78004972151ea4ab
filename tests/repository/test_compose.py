"""The compose files and the Dockerfile name only what exists: no Docker engine is needed to know.

`gpu` is docker-compose.yml, `cpu` the same with docker-compose.cpu.yml merged in as Compose does.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BASE, OVERRIDE = ROOT / "docker-compose.yml", ROOT / "docker-compose.cpu.yml"
TEXTS = {path: path.read_text() for path in (BASE, OVERRIDE)}
OFFERED = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
"""The variables of the example file, with what it says of them."""
GPU_WORKERS = ("worker", "worker-1", "worker-2", "worker-3")
SECRETS = re.compile(r"PASSWORD|AUTH|TOKEN|SECRET|DATABASE_URL|BROKER_URL")


def merged(base: Any, over: Any) -> Any:
    """Merge as Compose does what these files have: maps by key, lists appended, the rest replaced.

    A `build` that is a path is short for its context; commands are replaced.
    """
    if isinstance(base, dict) and isinstance(over, dict):
        both = {key: _merged(key, base[key], over[key]) for key in base.keys() & over.keys()}
        return {**base, **over, **both}
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *(one for one in over if one not in base)]
    return over


def _merged(key: str, base: Any, over: Any) -> Any:
    if key in ("command", "entrypoint", "test"):
        return over
    if key == "build":
        base = {"context": base} if isinstance(base, str) else base
    return merged(base, over)


FILES = {"gpu": yaml.safe_load(TEXTS[BASE])}
FILES["cpu"] = merged(FILES["gpu"], yaml.safe_load(TEXTS[OVERRIDE]))


@pytest.fixture(params=FILES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def services(profile: str) -> dict[str, dict[str, Any]]:
    """The services of a profile by name."""
    found: dict[str, dict[str, Any]] = FILES[profile]["services"]
    return found


def settings_of(service: dict[str, Any]) -> set[str]:
    """Name the environment variables that the service's own settings read."""
    from api.settings import LogSettings as ApiLog
    from api.settings import Settings as Api
    from worker.settings import LogSettings, NotifierSettings, Settings

    read: tuple[Any, ...] = {
        "api": (Api, ApiLog),
        "worker": (Settings, LogSettings),
        "worker.notifier": (NotifierSettings, LogSettings),
    }[service["entrypoint"][2]]
    return {f"COLROW_{name}".upper() for one in read for name in one.model_fields}


def ours(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give the services that run our image."""
    return {k: v for k, v in services.items() if v["image"].startswith("colrow:")}


def started(services: dict[str, dict[str, Any]]) -> set[str]:
    """Name the services that start when nobody chooses a profile or a number."""
    return {
        name
        for name, service in services.items()
        if not service.get("profiles") and service.get("scale", 1)
    }


def test_the_files_are_compose_files(profile: str, tmp_path: Path) -> None:
    whole = tmp_path / "docker-compose.yml"
    whole.write_text(yaml.safe_dump(FILES[profile]))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    for path in (BASE, OVERRIDE, whole):
        done = subprocess.run([*check, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_what_starts_is_the_whole_cluster(profile: str, services: dict[str, Any]) -> None:
    worker = {"gpu": "worker", "cpu": "worker-cpu"}[profile]
    assert started(services) == {"postgres", "redis", "migrate", "api", "notifier", worker}


def test_every_service_that_is_waited_for_exists_and_can_be_waited_for(
    services: dict[str, Any],
) -> None:
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert other in services
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert services[other]["restart"] == "no"


def test_every_process_that_lasts_is_checked_restarted_and_has_bounded_logs(
    services: dict[str, Any],
) -> None:
    for name, service in services.items():
        assert service["logging"]["options"]["max-size"] if name != "migrate" else True
        if name != "migrate":
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
            assert "stop_grace_period" in service or name == "redis", name


def test_every_volume_that_is_mounted_is_declared_and_the_other_way_round(
    profile: str, services: dict[str, Any]
) -> None:
    named = re.compile(r"(?:\$\{\w+:-)?([\w-]+)\}?:")
    mounted = {named.match(v)[1] for s in services.values() for v in s["volumes"]}  # type: ignore[index]
    assert mounted == set(FILES[profile]["volumes"])


def test_processes_of_ours_see_the_same_folder(services: dict[str, Any]) -> None:
    folders = {tuple(service["volumes"]) for service in ours(services).values()}
    assert folders == {("${COLROW_SHARED:-colrow}:/var/lib/colrow",)}
    homes = {s["environment"]["COLROW_HOME"] for s in ours(services).values()}
    assert homes == {"/var/lib/colrow"}


def test_every_variable_stands_in_the_example_file() -> None:
    used = {name for text in TEXTS.values() for name in re.findall(r"\$\{([A-Z_]+)", text)}
    passed_on = {
        name
        for file in FILES.values()
        for service in ours(file["services"]).values()
        for name, value in service["environment"].items()
        if value is None
    }
    # Compose itself reads that one
    assert OFFERED.keys() == used | passed_on | {"COMPOSE_PROFILES"}


def test_a_default_that_stands_in_the_example_file_is_the_setting_s_own() -> None:
    from api.settings import Settings as Api
    from worker.settings import NotifierSettings, Settings

    fields = Api.model_fields | NotifierSettings.model_fields | Settings.model_fields
    for name, value in OFFERED.items():
        field = fields.get(name.removeprefix("COLROW_").lower())
        if value and field is not None and name != "COLROW_LOG_FORMAT":
            said = yaml.safe_load(value)
            assert said == field.default, name


# What a service's settings are not given, and why.
LEFT_OUT = {
    "api": {
        "COLROW_STATIC",  # it stands in the image
        "COLROW_PROFILE", "COLROW_PRIVATE",  # on PostgreSQL a token is needed anyway
        "COLROW_THREADS",  # that is the workers' setting here
        "COLROW_STOP_S",  # stop_grace_period goes with it
    },
    "worker": {
        "COLROW_NAME",  # of one worker alone
        "COLROW_UNTIL_IDLE_S",  # it would be started again
        "COLROW_STOP_S",  # stop_grace_period goes with it
    },
    "worker.notifier": set[str](),
}  # fmt: skip


def test_every_setting_can_be_set(services: dict[str, Any]) -> None:
    for name, service in ours(services).items():
        if "entrypoint" in service:
            missing = settings_of(service) - set(service["environment"])
            assert missing == LEFT_OUT[service["entrypoint"][2]], name


def test_every_setting_given_to_our_services_is_one_that_they_read(
    services: dict[str, Any],
) -> None:
    known = {  # given to all alike
        "COLROW_DATA", "COLROW_HOME", "COLROW_BROKER_URL", "COLROW_STORAGE", "COLROW_LEASE_S",
    }  # fmt: skip
    for name, service in ours(services).items():
        if "entrypoint" in service:
            assert set(service["environment"]) - known <= settings_of(service), name


def test_no_secret_is_written_into_a_file() -> None:
    for text in TEXTS.values():
        for line in text.splitlines():
            name, _, value = line.strip().partition(": ")
            if SECRETS.search(name):
                assert re.search(r"^\$\{\w+:\?|//\w*:\$\{\w+:\?", value), line
    for line in (ROOT / ".env.example").read_text().splitlines():
        if "PASSWORD" in line and not line.startswith("#"):
            assert line.endswith("=")


def test_what_is_published_is_on_loopback_unless_somebody_says_otherwise(
    services: dict[str, Any],
) -> None:
    published = {name: s["ports"] for name, s in services.items() if "ports" in s}
    assert set(published) == {"postgres", "redis", "api"}
    for name, (port,) in published.items():
        bind = "COLROW_BIND" if name == "api" else "CLUSTER_BIND"
        assert port.startswith(f"${{{bind}:-127.0.0.1}}:"), port


def test_each_worker_reserves_a_gpu_of_its_own(profile: str, services: dict[str, Any]) -> None:
    reserved = []
    for name in GPU_WORKERS:
        (device,) = services[name]["deploy"]["resources"]["reservations"]["devices"]
        assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
        reserved += device["device_ids"]
    assert reserved == ["0", "1", "2", "3"]
    assert not [name for name in started(services) - {"worker"} if "deploy" in services[name]]
    if profile == "cpu":
        assert "worker" not in started(services)
        assert services["worker-cpu"]["environment"]["COLROW_DEVICES"] == "cpu"


def test_without_gpus_no_image_holds_cuda() -> None:
    images = {s["image"] for s in ours(FILES["cpu"]["services"]).values() if not s.get("profiles")}
    assert images == {"colrow:0.1.0-cpu"}
    build = FILES["cpu"]["services"]["api"]["build"]
    assert build["context"] == "."
    (argument,) = build["args"]
    assert f"\nARG {argument}=" in (ROOT / "Dockerfile").read_text()


def test_processes_of_ours_have_no_rights_that_they_do_not_need(services: dict[str, Any]) -> None:
    for service in ours(services).values():
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    assert re.search(r"^USER \d+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_a_stopping_worker_has_time_to_save(services: dict[str, Any]) -> None:
    from worker.settings import Settings

    for name, service in services.items():
        if name.startswith("worker"):
            grace = int(service["stop_grace_period"].removesuffix("s"))
            assert grace > Settings.model_fields["stop_s"].default + 10


def test_every_entry_point_and_health_check_of_ours_exists(services: dict[str, Any]) -> None:
    for name, service in ours(services).items():
        if "entrypoint" in service:
            python, option, module = service["entrypoint"]
            assert (python, option) == ("python", "-m")
            assert importlib.util.find_spec(f"{module}.__main__"), name
        else:
            assert service["command"] == ["db", "upgrade"]
        check = service.get("healthcheck", {}).get("test", [])
        if "-m" in check:
            assert importlib.util.find_spec(check[check.index("-m") + 1]), name


def test_every_path_that_the_image_copies_exists() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source for copy in copies for source in copy.split()[:-1]]
    assert len(sources) > 8
    assert not [source for source in sources if not (ROOT / source).exists()]
