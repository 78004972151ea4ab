"""Jobs over texts are compared by perplexity, where less is better."""

import math

import pytest

from crs_core.statistics import Delta
from store import attempts, comparison
from store.attempts import Outcome


def compare(bench, **how) -> comparison.Comparison:
    return bench.read(comparison.compare, **how)


@pytest.fixture
def language(bench):
    """Exact and two ratios of topk, two seeds each, judged by perplexity: lower is better."""
    perplexities = {
        ("exact", 1.0): (83.0, 84.0),
        ("topk", 0.5): (84.0, 86.0),
        ("topk", 0.4): (90, 91),
    }
    ids = []
    for (policy, ratio), group in perplexities.items():
        for seed, perplexity in enumerate(group):
            claim = bench.begin(bench.spec(policy, ratio, seed=seed))
            values = {"compute_reduction": 1 - ratio if ratio != 0.4 else 0.3, "seconds": 9.0}
            bench.record(
                claim,
                bench.started(),
                bench.points(5, validation_perplexity=perplexity + 4.0, test_perplexity=perplexity),
                bench.points(5, best_test_perplexity=perplexity, **values),
                bench.points(9, validation_perplexity=perplexity + 9.0, test_perplexity=70.0),
                bench.points(9, best_test_perplexity=perplexity, **values),
            )
            bench.write(attempts.finish, claim.attempt_id, Outcome.SUCCEEDED)
            ids.append(claim.job_id)
    return bench, ids


def test_jobs_that_tell_perplexity_are_compared_by_it(language):
    bench, ids = language
    others = []
    for seed in range(7):
        claim = bench.begin(bench.spec(seed=seed))
        bench.record(claim, bench.started(), bench.points(5, best_test_accuracy=0.9))
        bench.write(attempts.finish, claim.attempt_id, Outcome.SUCCEEDED)
        others.append(claim.job_id)
    found = compare(bench, job_ids=ids)
    assert found.y == "best_test_perplexity"
    assert compare(bench, job_ids=ids, y="test_perplexity") == found
    assert {g.label: g.y.mean for g in found.groups} == {
        "exact": 83.5, "topk 50 %": 85.0, "topk 40 %": 90.5,
    }  # fmt: skip
    assert compare(bench, job_ids=others).y == "best_test_accuracy"
    assert compare(bench, job_ids=[*others, *ids]).y == "best_test_accuracy"


def test_of_perplexity_less_is_better(language):
    """Half of the pairs saves more and is better than the group of 40 %, which is not marked."""
    bench, ids = language
    groups = {g.label: g for g in compare(bench, job_ids=ids).groups}
    assert {label for label, g in groups.items() if g.is_pareto} == {"exact", "topk 50 %"}
    assert groups["topk 50 %"].delta_y == Delta(1.5, pytest.approx(math.sqrt(0.5)), 2, paired=True)


def test_without_a_job_that_has_told_anything_y_is_accuracy(bench):
    claim = bench.begin()
    assert compare(bench, job_ids=[claim.job_id]).y == "best_test_accuracy"
