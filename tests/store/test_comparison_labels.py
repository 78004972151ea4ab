"""How the groups of a comparison are called."""

from store import jobs
from store.grouping import label_of
from tests.store.test_comparison import compare, run


def test_a_label_says_mode_and_schedule(bench):
    schedule = {"shape": "cosine", "exact_first_steps": 5, "exact_last": 0.1}
    labels = {
        "meprop · backward 6 % on fc1": {"layers": "fc1", "policy": "meprop", "backward": 0.06},
        "topk 40 % · cosine from 100 %, exact for 5 steps, exact for the last 10 %": {
            "policy": "topk", "forward": 0.4, "schedule": schedule,
        },
        "wta exploration 10 % coverage 90 % refreshed every 5 40 %": {
            "policy": {"name": "wta", "exploration": 0.1, "coverage": 0.9, "refresh_every": 5},
            "forward": 0.4,
        },
        "topk · backward only 30 %": {
            "policy": "topk", "mode": "backward_only", "backward": 0.3,
        },
        "topk 40 % · constant": {"policy": "topk", "forward": 0.4, "schedule": {}},
    }  # fmt: skip
    for wanted, rule in labels.items():
        ids = [run(bench, bench.spec(approximation=[rule]), best_test_accuracy=0.5)]
        (group,) = compare(bench, job_ids=ids).groups
        assert group.label == wanted


def test_a_label_says_gates(bench):
    rule = {"policy": "topk", "forward": 0.4}
    (filled,) = bench.spec(approximation=[rule]).model_dump(mode="json")["approximation"]
    labels = [
        label_of({"approximation": [filled | {"gates": gates}]}, {}, chosen=False)
        for gates in (["input"], ["input", "cell"], None)
    ]
    assert labels == ["topk 40 % · gate input", "topk 40 % · gates input, cell", "topk 40 %"]


def test_rules_that_differ_by_layer_are_one_mixed_label(bench):
    rules = [
        {"policy": "topk", "forward": 0.4, "backward": 0.05},
        {"layers": "fc1", "policy": {"name": "nps", "scaled": True}, "forward": 0.5},
    ]
    ids = [run(bench, bench.spec(approximation=rules), best_test_accuracy=0.5)]
    (group,) = compare(bench, job_ids=ids).groups
    assert group.label == "topk 40 % · backward 5 % + nps scaled 50 % on fc1"
    assert (group.policy, group.ratio) == ("mixed", None)


def test_a_rule_that_leaves_layers_exact_counts_for_nothing_beside_a_sampled_one(bench):
    rules = [{"policy": "topk", "forward": 0.4}, {"layers": "fc1", "policy": "exact"}]
    job_id = run(bench, bench.spec(approximation=rules), best_test_accuracy=0.5)
    (group,) = compare(bench, job_ids=[job_id]).groups
    assert (group.policy, group.ratio, group.is_baseline) == ("topk", 0.4, False)
    for policy, found in (("topk", [job_id]), ("exact", [])):
        page = bench.read(jobs.list_jobs, jobs.JobFilter(policies=[policy]))
        assert [job.id for job in page.items] == found
