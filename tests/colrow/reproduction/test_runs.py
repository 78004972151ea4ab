"""The definitions of the paper's experiments, and what is queued of them."""

import dataclasses
import re

import pytest

from colrow.errors import ColrowError
from colrow.reproduction import mnist, runs
from colrow.reproduction.experiments import EXPERIMENTS, chosen
from colrow.reproduction.identity import identity
from colrow.reproduction.parts import Experiment, Setting
from colrow.reproduction.runs import Scale
from crs_core.planning import plan_job
from crs_core.presets import PRESETS
from crs_core.spec import parse_any

FULL, QUICK = Scale(), Scale(quick=True)


@pytest.mark.parametrize("scale", [FULL, QUICK])
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_setting_of_an_experiment_is_a_spec_that_can_be_planned(name, scale):
    for setting in EXPERIMENTS[name].settings:
        for seed in scale.of(setting):
            spec = parse_any(setting.spec(seed, quick=scale.quick))
            assert spec.seed == seed
        assert plan_job(parse_any(setting.spec(0, quick=scale.quick))).exact_macs > 0


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_settings_of_an_experiment_are_told_apart_by_training_and_by_name(name):
    settings = EXPERIMENTS[name].settings
    assert len({identity(s.spec(0, quick=False)) for s in settings}) == len(settings)
    assert len({(s.recipe.name, s.label) for s in settings}) == len(settings)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_claims_are_about_settings_that_are_run(name):
    experiment = EXPERIMENTS[name]
    trained = {identity(s.spec(0, quick=False)) for s in experiment.settings}
    for claim in experiment.claims:
        assert {identity(s.spec(0, quick=False)) for s in claim.settings} <= trained


def test_seeds_can_be_limited():
    assert list(FULL.of(mnist.MLP_EXACT)) == [0, 1, 2, 3, 4]
    assert list(Scale(seeds=2).of(mnist.MLP_EXACT)) == [0, 1]
    assert list(Scale(quick=True, seeds=9).of(mnist.MLP_EXACT)) == [0, 1, 2]


def test_a_name_that_is_none_is_told_with_those_there_are():
    assert [e.name for e in chosen(["figure2b", "table1"])] == ["figure2b", "table1"]
    assert [e.name for e in EXPERIMENTS.values() if e not in chosen([])] == ["lstm", "figure2c"]
    assert chosen([], quick=True) == list(EXPERIMENTS.values())
    with pytest.raises(ColrowError, match=r"no table or figure 'table9'.*table1, table2"):
        chosen(["table9"])


def test_reports_and_resources_do_not_make_another_training():
    spec = mnist.MLP_EXACT.spec(1, quick=True)
    other = spec | {"report": {"every_steps": 7}, "resources": {"threads": 3}}
    assert identity(spec) == identity(other)
    assert identity(spec) != identity(mnist.MLP_EXACT.spec(2, quick=True))


def experiment(name: str, *settings: Setting) -> Experiment:
    return Experiment(name, name, "", settings)


def test_the_lstms_differences_are_to_an_exact_training_with_the_same_schedule():
    early, *late = EXPERIMENTS["lstm"].settings
    trainings = [setting.spec(0, quick=False)["training"] for setting in (early, *late)]
    assert trainings[0] == PRESETS["lstm-exact"].spec["training"]
    assert trainings[1:] == [PRESETS["lstm-late-exact"].spec["training"]] * len(late)
    assert {setting.recipe.name for setting in late} == {late[0].recipe.name}
    assert (late[0].series, late[0].rules) == ("exact", ())
    assert early.recipe.name != late[0].recipe.name


@pytest.mark.parametrize("name", ["lstm", "lstm-relations"])
def test_the_lstms_gradients_are_sampled_as_the_presets_sample_them(name):
    series = "output matrix 50 %, backward 75 %"
    (setting,) = (s for s in EXPERIMENTS[name].settings if s.series == series)
    preset = parse_any(PRESETS["lstm-output50-backward75"].spec)
    assert parse_any(setting.spec(0, quick=False)).approximation == preset.approximation


@pytest.mark.parametrize(
    "name", [n for n in PRESETS if re.match(r"(figure1|alternative-|convolution-)", n)]
    + [n for n in PRESETS if re.fullmatch(r"(mlp|cnn)-(topk|plain-nps|nps|bernoulli)[123]0", n)],
)  # fmt: skip
def test_presets_of_figures_are_jobs_of_their_reproduction(name):
    """So that what a person runs from the catalog is what the report has."""
    settings = [s for e in EXPERIMENTS.values() for s in e.settings]
    trained = {identity(s.spec(0, quick=False)) for s in settings}
    assert identity(PRESETS[name].spec) in trained


def test_settings_of_one_training_are_queued_once(client):
    one = mnist.CNN_TOPK30
    other = dataclasses.replace(one, recipe=dataclasses.replace(one.recipe, name="another"))
    twice = experiment("twice", one, other)
    assert runs.queue(client, twice, Scale(quick=True, seeds=2)) == 2
    assert [twice.name_of(s) for s in twice.settings] == [
        f"{one.recipe.name}: {one.label}", f"another: {one.label}",
    ]  # fmt: skip


def test_only_what_is_missing_is_queued_whichever_table_made_it_before(client):
    first = experiment("first", mnist.MLP_EXACT, mnist.CNN_EXACT)
    assert runs.queue(client, first, Scale(quick=True, seeds=2)) == 4
    assert runs.queue(client, first, Scale(quick=True, seeds=2)) == 0
    second = experiment("second", mnist.MLP_EXACT, mnist.MLP_TOPK40)
    assert runs.queue(client, second, Scale(quick=True, seeds=3)) == 4
    tagged = list(client.jobs(tag=["reproduce:second"]))
    assert sorted(job["seed"] for job in tagged) == [0, 1, 2, 2]
    found = runs.read(client)
    keys = QUICK.keys(mnist.MLP_EXACT)
    assert [found.job(keys[seed])["seed"] for seed in keys] == [0, 1, 2]
    assert {job["seed"] for job in runs.unfinished(found, [first, second], QUICK)} == {0, 1, 2}


def test_what_was_cancelled_is_queued_again(client):
    wanted = experiment("third", mnist.CNN_TABLE2)
    scale = Scale(quick=True, seeds=1)
    assert runs.queue(client, wanted, scale) == 1
    job = runs.read(client).job(scale.keys(mnist.CNN_TABLE2)[0])
    client.cancel(job["id"])
    assert runs.queue(client, wanted, scale) == 1
    assert client.job(job["id"])["state"] == "queued"


def test_a_job_that_diverged_is_a_result(client):
    job = {"state": "failed", "reason": {"kind": "diverged", "message": ""}}
    assert not runs.is_worth_another_try(job)
    assert runs.is_worth_another_try(job | {"reason": {"kind": "lost", "message": ""}})
    assert not runs.is_worth_another_try({"state": "succeeded", "reason": None})


def test_queueing_for_later_needs_a_service_that_goes_on(failing, colrow, server):
    assert "colrow --server" in failing("reproduce", "table1", "--queue")
    ended = colrow("--server", server, "reproduce", "figure2b", "--quick", "--queue")
    assert (ended.code, "figure2b: " in ended.out) == (0, True)
    assert "no table or figure" in failing("reproduce", "table9")
