"""What a policy and a rule may say, and what they refuse."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from crs_core.errors import SpecError
from crs_core.spec import CHOICES, Policy, PolicyName, Rule, field_errors, parse_spec


def message(kind: type[Policy] | type[Rule], data: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(data)
    (error,) = field_errors(caught.value, Rule)
    return error.msg


@pytest.mark.parametrize("policy", ["meprop", {"name": "meprop"}, Policy(name="meprop")])
def test_meprop_is_backward_only_without_saying_so(policy: Any) -> None:
    rule = Rule.model_validate({"policy": policy, "backward": 0.06})
    assert (rule.mode, rule.forward, rule.backward) == ("backward_only", 1.0, 0.06)
    assert Rule.model_validate(rule.model_dump()) == rule
    assert Rule.model_validate({**rule.model_dump(), "mode": "backward_only"}) == rule


@pytest.mark.parametrize("policy", ["topk", "nps", "uniform", "bernoulli"])
def test_every_policy_can_be_backward_only(policy: str) -> None:
    rule = Rule.model_validate({"policy": policy, "mode": "backward_only", "backward": 0.3})
    assert (rule.forward, rule.backward) == (1.0, 0.3)
    assert Rule.model_validate({"policy": policy, "forward": 0.4}).mode == "both"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (
            {"policy": "topk", "mode": "backward_only", "forward": 0.4},
            "mode 'backward_only' keeps the forward product exact: leave out `forward`, or set "
            "`mode` to 'both'; got 0.4",
        ),
        (
            {"policy": "meprop", "forward": 0.4},
            "policy 'meprop' samples the gradients alone, and its forward product is exact: leave "
            "out `forward`; got 0.4",
        ),
        (
            {"policy": "meprop", "mode": "both"},
            "policy 'meprop' samples the gradients alone: leave out `mode`, or set it to "
            "'backward_only'; got 'both'",
        ),
        (
            {"policy": "topk", "mode": "forward_only"},
            "'forward_only' is not known; there are: 'both' or 'backward_only'",
        ),
    ],
)
def test_a_mode_that_does_not_fit_is_refused(rule: dict[str, Any], text: str) -> None:
    assert message(Rule, rule) == text


@pytest.mark.parametrize("name", ["topk", "meprop", "bernoulli", "wta", "exact"])
def test_choices_that_a_policy_does_not_have_are_refused(name: str) -> None:
    assert message(Policy, {"name": name, "scaled": True}) == (
        f"policy {name!r} has no `scaled`; leave it out (it is a choice of 'nps', 'uniform')"
    )


@pytest.mark.parametrize("name", ["uniform", "exact"])
@pytest.mark.parametrize(
    "choice", [{"exploration": 0.1}, {"refresh_every": 5}, {"coverage": 0.9}], ids=str
)
def test_what_needs_scores_is_refused_where_none_are_looked_at(
    name: str, choice: dict[str, Any]
) -> None:
    (field,) = choice
    # meprop scores outputs by their gradient alone: there is no weight whose norms could be kept.
    last = "" if field == "refresh_every" else ", 'meprop'"
    assert message(Policy, {"name": name, **choice}) == (
        f"policy {name!r} has no `{field}`; leave it out (it is a choice of 'topk', 'nps', "
        f"'bernoulli', 'wta'{last})"
    )
    assert Policy.model_validate({"name": "topk", **choice})


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"exploration": 1.0}, "this must be below 1; got 1.0"),
        ({"exploration": -0.1}, "this must be at least 0; got -0.1"),
        ({"coverage": 0.0}, "this must be above 0; got 0.0"),
        ({"coverage": 1.0}, "this must be below 1; got 1.0"),
        ({"refresh_every": 0}, "this must be at least 1; got 0"),
    ],
)
def test_choices_outside_their_range_are_refused(choice: dict[str, Any], text: str) -> None:
    assert text in message(Policy, {"name": "topk", **choice})


def test_every_policy_says_its_choices() -> None:
    assert tuple(CHOICES) == get_args(PolicyName)
    assert {f for fields in CHOICES.values() for f in fields} == set(Policy.model_fields) - {"name"}


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ({"shape": "constant", "start": 0.5}, "shape 'constant' has no `start`; leave it out"),
        (
            {"shape": "step", "milestones": [4], "end_step": 9},
            "shape 'step' has no `end_step`; leave it out",
        ),
        ({"shape": "step"}, "shape 'step' needs `milestones`, the steps at which the ratio jumps"),
        (
            {"shape": "step", "milestones": [30, 20]},
            "milestones must rise, each later than the one before; got 30, 20",
        ),
        (
            {"shape": "step", "milestones": [20, 30], "exact_first_steps": 20},
            "the milestone at step 20 comes before the schedule begins: the first 20 steps are "
            "exact; give milestones above 20",
        ),
        (
            {"shape": "linear", "end_step": 10, "exact_first_steps": 10},
            "the schedule ends at step 10 but begins at step 10, after `exact_first_steps`; give "
            "an `end_step` above 10",
        ),
        ({"shape": "cosine", "start": 0.0}, "above 0 and at most 1; got 0.0"),
        ({"exact_last": 1.0}, "this must be below 1; got 1.0"),
        ({"exact_first_steps": -1}, "this must be at least 0; got -1"),
        (
            {"shape": "sine"},
            "'sine' is not known; there are: 'constant', 'linear', 'cosine' or 'step'",
        ),
        ({"milestone": [3]}, "this field is not known"),
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(schedule: dict[str, Any], text: str) -> None:
    assert text in message(Rule, {"policy": "topk", "forward": 0.4, "schedule": schedule})


def test_an_exact_rule_has_nothing_to_schedule() -> None:
    rule = {"policy": "exact", "schedule": {"exact_first_steps": 5}}
    assert "has nothing to schedule: leave out `schedule`" in message(Rule, rule)


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ({"policy": {"name": "topk", "coverage": 0.9}}, "policy.coverage"),
        ({"policy": "topk", "schedule": {"exact_first_steps": 5}}, "schedule"),
    ],
)
def test_what_can_change_nothing_is_refused(rule: dict[str, Any], asked: str) -> None:
    assert f"every pair is kept and `{asked}` changes nothing: give a ratio below 1" in message(
        Rule, rule
    )
    assert Rule.model_validate(rule | {"backward": 0.5})


def test_an_error_in_a_rules_schedule_names_its_field() -> None:
    rule = {"policy": "topk", "forward": 0.5, "schedule": {"shape": "linear", "end_step": 0}}
    spec = {"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "training": {"epochs": 3}}
    with pytest.raises(SpecError) as error:
        parse_spec(spec | {"approximation": [rule]})
    assert [e.loc for e in error.value.errors] == ["approximation.0.schedule.end_step"]
