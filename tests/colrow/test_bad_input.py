"""What bad input gets on the command line: a failure, told in one clear sentence."""

import gzip

import pytest

from crs_core.data.facts import FACTS

UP_TO_1 = "a ratio is the share of pairs to keep, above 0 and at most 1; got "
FORWARD = "approximation.0.forward"
FIELDS = [
    ("policy", {"approximation.0.policy": "best"}, "policy.name: 'best' is not known; there are: "),
    ("network", {"model.name": "resnet"}, "model: 'resnet' is not known; there are: 'mlp', 'cnn'"),
    ("data set", {"dataset.name": "imagenet"}, "dataset.name: 'imagenet' is not known; there are"),
    ("field", {"training.epoch": 3}, "training.epoch: this field is not known"),
    ("ratio of 0", {FORWARD: 0}, f"{FORWARD}: {UP_TO_1}0"),
    ("ratio of -1", {FORWARD: -1}, f"{FORWARD}: {UP_TO_1}-1"),
    ("ratio of 1.5", {FORWARD: 1.5}, f"{FORWARD}: {UP_TO_1}1.5"),
    ("ratio of NaN", {FORWARD: float("nan")}, f"{FORWARD}: "),
    ("rule without layer", {"approximation.0.layers": "conv*"}, "matches no layer; there are: fc1"),
    ("batch above the data", {"training.batch_size": 5000}, "training.batch_size: "),
    ("10^12 epochs", {"training.epochs": 10**12}, "training.epochs: "),
]
ids = [case[0] for case in FIELDS]


@pytest.mark.parametrize(("changes", "said"), [case[1:] for case in FIELDS], ids=ids)
def test_plan_says_what_is_wrong_with_a_field(failing, write, spec, changes, said):
    told = failing("plan", write(spec(**changes)))
    assert told.startswith("colrow: 1 field of the spec is at fault; nothing was run\n  ")
    assert said in told


@pytest.mark.parametrize(("changes", "said"), [case[1:] for case in FIELDS], ids=ids)
def test_train_says_what_is_wrong_with_a_field(failing, write, spec, changes, said):
    assert said in failing("train", write(spec(**changes)))


@pytest.mark.parametrize(("changes", "said"), [case[1:] for case in FIELDS], ids=ids)
def test_submit_says_what_is_wrong_with_a_field(refused, client, write, spec, changes, said):
    before = len(list(client.jobs()))
    told = refused("submit", write(spec(**changes)))
    assert told.startswith("colrow: 1 field of the spec is at fault; nothing was run\n  ")
    assert told.count("\n") == 2, "each fault once"
    assert said in told
    assert "  spec." not in told
    assert len(list(client.jobs())) == before


@pytest.mark.parametrize(("changes", "said"), [case[1:] for case in FIELDS], ids=ids)
def test_sweep_says_what_is_wrong_with_a_field(refused, client, write, spec, changes, said):
    before = len(list(client.sweeps()))
    path = write({"base": spec(**changes), "axes": {"seed": [0, 1]}})
    refused("sweep", path)
    refused("sweep", "--dry-run", path)
    assert len(list(client.sweeps())) == before


def test_every_field_at_fault_has_its_line(failing, write, spec):
    told = failing("plan", write(spec(**{"model.name": "x", "training.batch_size": 0, "sed": 1})))
    assert told.startswith("colrow: 3 fields of the spec are at fault; nothing was run\n")
    assert len(told.strip().splitlines()) == 4


def test_a_state_that_does_not_exist_is_told_once(refused):
    told = refused("ls", "--state", "asleep")
    assert told.startswith("colrow: A field or parameter is wrong\n  state")
    assert told.count("'asleep' is not known; there are: 'queued'") == 1
    assert told.count("\n") == 2


@pytest.mark.parametrize("word", ["mlp", None])
def test_plan_and_submit_say_the_same_of_a_part_that_is_no_mapping(
    failing, refused, write, spec, word
):
    path = write(spec(model=word))
    assert failing("plan", path) == refused("submit", path)


@pytest.mark.parametrize("command", ["plan", "submit", "sweep", "train"])
def test_a_spec_that_is_not_yaml_is_told_with_line_and_column(failing, write, command):
    told = failing(command, write("model: {name: mlp\ntraining: ["))
    assert "spec.yaml, line 2, column 9: this is not YAML" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("command", ["plan", "submit", "sweep", "train"])
def test_a_spec_of_10_mb_is_refused(failing, write, command):
    assert "larger than 1 MiB" in failing(command, write("a: " + "x" * 10_000_000))


@pytest.mark.parametrize("command", ["plan", "submit", "sweep", "train"])
def test_a_spec_file_that_is_missing_is_told(failing, command):
    assert "nowhere.yaml cannot be read: No such file" in failing(command, "nowhere.yaml")


@pytest.mark.parametrize(
    "command", ["show", "watch", "log", "cancel", "pause", "resume", "retry", "clone", "delete"]
)
@pytest.mark.parametrize("ident", ["019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b", "x", "../jobs", "ü ?#"])
def test_an_id_that_does_not_exist_is_told(refused, command, ident):
    told = refused(command, ident)
    assert told == f"colrow: there is no job {ident!r}; `colrow ls` lists the jobs there are\n"


def test_a_sweep_that_does_not_exist_is_told(refused):
    assert "there is no sweep" in refused("compare", "019ab4f2-7c1e-7d3a-9b52-0c6f1d2e3a4b")
    for words in (["export"], ["ls"]):
        told = refused(*words, "--sweep", "nope")
        assert told == "colrow: there is no sweep 'nope'; `colrow show JOB` tells a job's sweep\n"


def test_a_service_that_is_not_reachable_is_told_with_how_to_start_it(failing):
    told = failing("--server", "http://127.0.0.1:9", "ls")
    assert told.startswith("colrow: no Colrow answers at http://127.0.0.1:9 (")
    assert "start it with `colrow up`" in told
    assert told.count("\n") == 1


def test_a_server_that_is_no_address_is_told(failing):
    assert "'here' is not an address" in failing("--server", "here", "ls")
    assert "is not an address" in failing("--server", "http://[", "ls")


def test_a_port_in_the_environment_that_is_none_is_told(failing, monkeypatch):
    monkeypatch.setenv("COLROW_PORT", "many")
    assert "COLROW_PORT is 'many'; a port is a number from 1 to 65535" in failing("ls")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_others_reach_is_refused_without_an_admin(failing, host):
    told = failing("up", "--host", host)
    assert "everybody needs a token, and no admin has one" in told


@pytest.mark.parametrize("host", ["192.0.2.1", "example.invalid"])
def test_an_address_that_is_not_of_this_machine_is_told(failing, host):
    assert f"cannot listen on {host}" in failing("up", "--host", host)


@pytest.mark.parametrize("data", ["missing", "truncated", "checksum"])
def test_data_that_cannot_be_used_are_told(failing, write, spec, tmp_path, monkeypatch, data):
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    monkeypatch.setenv("COLROW_DATA", str(tmp_path / "data"))
    if data != "missing":
        for file in FACTS["mnist"].files:
            size = file.unpacked_size - (5 if data == "truncated" else 0)
            (folder / file.name.removesuffix(".gz")).write_bytes(b"\0" * size)
    told = failing("train", "--offline", write(spec(**{"dataset.name": "mnist"})))
    assert "mnist" in told
    assert str(folder) in told
    assert told.strip().count("\n") == 0


def test_a_database_of_a_newer_schema_is_told(failing, colrow, tmp_path):
    import sqlite3

    path = tmp_path / "colrow.db"
    url = f"sqlite:///{path}"
    assert colrow("db", "upgrade", "--database", url).code == 0
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    told = failing("db", "upgrade", "--database", url)
    assert "was written by a newer Colrow: its schema is 9999" in told


def test_a_file_that_is_no_database_is_told(failing, tmp_path):
    path = tmp_path / "colrow.db"
    path.write_bytes(gzip.compress(b"something else" * 1000) * 20)
    told = failing("db", "upgrade", "--database", f"sqlite:///{path}")
    assert "cannot be used: file is not a database" in told


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "postgresql+psycopg://u@127.0.0.1:9/x"])
def test_a_database_that_cannot_be_reached_is_told(failing, url):
    assert "cannot be used" in failing("db", "upgrade", "--database", url)


def test_the_password_of_a_database_is_not_shown(failing):
    told = failing("db", "upgrade", "--database", "postgresql+psycopg://u:geheim@127.0.0.1:9/x")
    assert "geheim" not in told


def test_a_worker_without_addresses_is_told_what_is_missing(failing):
    assert "a worker needs --database" in failing("worker")
    assert "a worker needs --broker" in failing("worker", "--database", "sqlite:///x")


def test_an_output_file_that_cannot_be_written_is_told(refused, tmp_path):
    told = refused("export", "-o", tmp_path / "missing" / "x.csv")
    assert "x.csv cannot be written: No such file or directory" in told


def test_an_unknown_command_and_option_are_told(failing):
    assert "No such command" in failing("lst")
    assert "No such option" in failing("ls", "--all")


def test_an_answer_of_another_program_is_told(failing):
    import http.server
    import threading

    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        told = failing("--server", f"http://127.0.0.1:{other.server_port}", "ls")
        other.shutdown()
    assert "answered 404, but not as Colrow does" in told


def test_no_home_is_left_behind_by_a_refused_command(failing, tmp_path):
    failing("up", "--host", "192.0.2.1")
    assert not (tmp_path / "home").exists()
