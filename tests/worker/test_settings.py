"""The environment is read as it is meant, and a bad one is refused with words."""

import pytest
from pydantic import ValidationError

from worker.settings import Settings, trainer_environment

NEEDED = {
    "COLROW_DATABASE_URL": "sqlite:///colrow.db",
    "COLROW_BROKER_URL": "redis+socket:///run/valkey.sock",
    "COLROW_HOME": "home",
}


@pytest.fixture
def environment(monkeypatch):
    def set_all(**settings):
        for name, value in (NEEDED | settings).items():
            monkeypatch.setenv(name, value)
        return Settings()

    for name in ("COLROW_DATA", "COLROW_DEVICES", "COLROW_THREADS", "COLROW_NAME"):
        monkeypatch.delenv(name, raising=False)
    return set_all


def test_the_data_sets_are_in_the_home_unless_it_is_said_otherwise(environment):
    assert str(environment().datasets) == "home/datasets"
    assert str(environment(COLROW_DATA="elsewhere").datasets) == "elsewhere"


def test_a_worker_is_on_the_cpu_unless_it_is_given_devices(environment):
    assert environment().cuda_devices == ()
    assert environment().device_names == ("cpu",)
    assert environment(COLROW_DEVICES="0, 2").cuda_devices == ("0", "2")


def test_a_worker_may_own_the_cpu_twice_for_jobs_of_two_processes(environment):
    assert environment(COLROW_DEVICES="cpu, cpu").device_names == ("cpu", "cpu")
    assert environment(COLROW_DEVICES="cpu,cpu").cuda_devices == ()


def test_a_cuda_device_is_owned_once(environment):
    with pytest.raises(ValidationError, match="can be owned only once; got '0,1,0'"):
        environment(COLROW_DEVICES="0,1,0")


@pytest.mark.parametrize("devices", ["", "0,", "cpu,0"])
def test_devices_that_mean_nothing_are_refused(environment, devices):
    with pytest.raises(
        ValidationError, match="devices are `cpu`, or CUDA devices as in `0` or `0,1`"
    ):
        environment(COLROW_DEVICES=devices)


def test_a_device_is_named_by_index_or_uuid(environment):
    assert environment(COLROW_DEVICES="GPU-8932f937-d72c,MIG-1").cuda_devices[1] == "MIG-1"
    for name in ("banana", "cuda:0", "-1", "GPU", "0 1"):
        with pytest.raises(ValidationError, match=f"'{name}' is none"):
            environment(COLROW_DEVICES=name)


def test_a_name_is_safe_on_every_screen(environment):
    assert environment(COLROW_NAME="node7/0,1/2").name == "node7/0,1/2"
    assert environment(COLROW_NAME="").name is None
    for name in ("w 3/ä", "/w", "w\n", "w" * 101):
        with pytest.raises(ValidationError, match="is no name of a worker"):
            environment(COLROW_NAME=name)


def test_a_lease_shorter_than_two_heartbeats_is_refused(environment):
    with pytest.raises(ValidationError, match="outlast at least two heartbeats"):
        environment(COLROW_LEASE_S="3", COLROW_HEARTBEAT_S="2")


def test_a_wish_is_heard_soon_enough_for_a_cancel_within_5_s(environment):
    assert environment().heartbeat_s <= 2


def test_a_trainer_gets_its_threads_and_no_password(monkeypatch):
    monkeypatch.setattr("worker.settings._INHERITED", NEEDED | {"PATH": "/bin"})
    given = trainer_environment(3, ("1",))
    assert given["OMP_NUM_THREADS"] == given["MKL_NUM_THREADS"] == "3"
    assert given["OMP_WAIT_POLICY"] == "PASSIVE"
    assert given["MKL_DYNAMIC"] == "FALSE"
    assert given["CUDA_VISIBLE_DEVICES"] == "1"
    assert "PATH" in given
    assert not given.keys() & {"COLROW_DATABASE_URL", "COLROW_BROKER_URL"}


def test_what_a_library_adds_to_the_environment_later_is_not_passed_on(monkeypatch):
    before = trainer_environment(1, ())
    monkeypatch.setenv("celery_dummy_proxy", "set_by_celeryd")
    assert trainer_environment(1, ()) == before


def test_a_trainer_on_the_cpu_sees_no_cuda_device():
    assert trainer_environment(1, ())["CUDA_VISIBLE_DEVICES"] == ""
