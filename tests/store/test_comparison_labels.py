"""How the groups of a comparison are called."""

from store import jobs
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
        "topk · backward only 40 %": {
            "policy": "topk", "mode": "backward_only", "backward": 0.4,
        },
        "topk 40 % · step from 90 % at steps 5, 9": {
            "policy": "topk", "forward": 0.4,
            "schedule": {"shape": "step", "start": 0.9, "milestones": [5, 9]},
        },
        "topk 40 % · linear from 100 % to step 7": {
            "policy": "topk", "forward": 0.4, "schedule": {"shape": "linear", "end_step": 7},
        },
        "topk 40 % · constant": {"policy": "topk", "forward": 0.4, "schedule": {}},
    }  # fmt: skip
    for wanted, rule in labels.items():
        ids = [run(bench, bench.spec(approximation=[rule]), best_test_accuracy=0.5)]
        (group,) = compare(bench, job_ids=ids).groups
        assert group.label == wanted


def test_rules_that_differ_in_gates_alone_have_names_of_their_own(bench):
    model = {"name": "lstm", "hidden": 6, "layers": 1, "sequence_length": 30}
    parts = {"model": model, "dataset": {"name": "pydoc", "train_limit": 1000}}
    ids = []
    for gates in (None, ["input"], ["forget", "cell"]):
        rule = {"layers": "lstm*", "policy": "topk", "forward": 0.5, "gates": gates}
        ids.append(run(bench, bench.spec(approximation=[rule], **parts), best_test_perplexity=90))
    assert sorted(group.label for group in compare(bench, job_ids=ids).groups) == [
        "topk 50 % on lstm*",
        "topk 50 % on lstm* gate input",
        "topk 50 % on lstm* gates cell, forget",
    ]


def test_what_a_label_leaves_out_is_added_where_it_alone_tells_groups_apart(bench):
    rules = [{"policy": "topk", "forward": 0.4, "min_samples": least} for least in (3, 10)]
    ids = [run(bench, bench.spec(approximation=[rule]), best_test_accuracy=0.5) for rule in rules]
    ids += [
        run(bench, bench.spec(approximation=said), best_test_accuracy=0.5)
        for said in ([], [{"policy": "exact"}])
    ]
    assert sorted(group.label for group in compare(bench, job_ids=ids).groups) == [
        "exact",
        "exact",
        "topk 40 %, approximation.0.min_samples=10",
        "topk 40 %, approximation.0.min_samples=3",
    ]


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
