"""The form for jobs: made from the catalog, planned while one types, submitted to the service."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.bench import Bench
from tests.web.browser import Visit

pytestmark = [pytest.mark.system, pytest.mark.needs("chromium")]


def test_the_planned_reduction_follows_what_is_typed(visit: Visit) -> None:
    page = visit.open("/new")
    planned = page.get_by_test_id("planned")
    expect(planned).to_have_text("59.9\u202f%")
    page.get_by_label("Forward ratio").fill("0.1")
    expect(planned).to_have_text("90.1\u202f%")
    page.get_by_label("Hidden").fill("200")
    expect(page.locator(".plan tbody tr")).to_have_count(2)


def test_an_error_stands_at_its_field_and_the_typed_text_stays(visit: Visit) -> None:
    visit.may_fail = True
    page = visit.open("/new")
    ratio = page.get_by_label("Forward ratio")
    ratio.fill("1.5")
    error = page.locator(".rule .field-error")
    expect(error).to_have_text(
        "a ratio is the share of pairs to keep, above 0 and at most 1; got 1.5"
    )
    expect(ratio).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Submit")).to_be_disabled()
    page.get_by_label("Layers").fill("conv*")
    page.get_by_label("Batch size").fill("many")
    expect(page.locator(".field-error").filter(has_text="many")).to_be_visible()
    page.get_by_role("link", name="Queue").click()
    page.get_by_role("link", name="New job").click()
    expect(page.get_by_label("Batch size")).to_have_value("many")
    expect(ratio).to_have_value("1.5")
    ratio.fill("0.5")
    page.get_by_label("Batch size").fill("50")
    expect(page.locator(".rule .field-error")).to_contain_text("fc1, fc2, fc3")
    page.get_by_label("Layers").fill("fc*")
    expect(page.get_by_role("button", name="Submit 6 jobs")).to_be_enabled()


def test_a_preset_is_chosen_and_submitted_with_its_exact_twin(visit: Visit, bench: Bench) -> None:
    page = visit.open("/new")
    page.get_by_label("Preset").select_option(label="MLP on Digits, norm-proportional 40 %")
    page.get_by_label("Seeds").fill("0-1")
    page.get_by_role("button", name="Submit 4 jobs").click()
    expect(page).to_have_url(re.compile(r"/compare\?sweep="))
    expect(page.locator(".jobs-foot")).to_contain_text("4 jobs")
    specs = [bench.train().spec for _ in range(4)]
    assert [(len(spec.approximation), spec.seed) for spec in specs] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]
    expect(page.locator("h1.answer")).to_contain_text("nps")


def test_a_changed_preset_is_none_and_what_its_fields_mean_is_told(visit: Visit) -> None:
    visit.may_fail = True  # a schedule without its milestones is refused
    page = visit.open("/new")
    preset = page.get_by_label("Preset")
    preset.select_option(value="digits-coverage")
    expect(page.get_by_test_id("planned")).to_contain_text("at least")
    expect(preset).to_have_value("digits-coverage")
    page.get_by_label("Coverage").fill("")
    expect(preset.locator("option:checked")).to_have_text("none")
    expect(page.get_by_test_id("planned")).not_to_contain_text("at least")
    page.get_by_label("Forward ratio").fill("")
    expect(page.locator(".field-note")).to_contain_text("nothing is approximated")
    page.get_by_role("checkbox", name="Schedule").check()
    expect(page.get_by_label("Milestones")).to_have_count(0)
    page.get_by_label("Shape").select_option("step")
    expect(page.get_by_label("Milestones")).to_be_visible()


def test_a_clone_begins_with_the_spec_of_its_origin(visit: Visit, bench: Bench) -> None:
    job = bench.job(seed=7, model={"name": "mlp", "hidden": [31]})
    page = visit.open(f"/jobs/{job}")
    page.get_by_role("link", name="Clone").click()
    expect(page.get_by_label("Hidden")).to_have_value("31")
    expect(page.get_by_label("Seeds")).to_have_value("7")


def test_an_optimizer_and_a_schedule_bring_their_own_fields(visit: Visit, bench: Bench) -> None:
    visit.may_fail = True
    page = visit.open("/new")
    page.get_by_label("Seeds").fill("3")
    page.get_by_label("each with its exact twin").uncheck()
    page.get_by_label("Optimizer").select_option("momentum")
    page.get_by_label("Nesterov").check()
    page.get_by_role("combobox", name="Schedule").select_option("step")
    milestones = page.get_by_label("Milestones")
    expect(page.locator(".field").filter(has=milestones)).to_contain_text("this field is missing")
    milestones.fill("4, soon")
    expect(page.locator(".field").filter(has=milestones)).to_contain_text("got 'soon'")
    milestones.fill("4, 7")
    page.get_by_label("Factor").fill("0.2")
    page.get_by_role("button", name="Submit 1 job").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    training = bench.claim().spec.training
    assert training.optimizer.model_dump() == {
        "name": "momentum", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0,
    }  # fmt: skip
    assert training.schedule.name == "step"
    assert (training.schedule.milestones, training.schedule.factor) == ((4, 7), 0.2)


def test_a_policy_brings_its_own_fields_and_exact_has_none(visit: Visit) -> None:
    page = visit.open("/new")
    rule = page.get_by_role("group", name="Rule 1")
    expect(rule.get_by_label("Scaled")).to_have_count(0)
    rule.get_by_label("Policy").select_option("nps")
    rule.get_by_label("Scaled").check()
    page.get_by_role("button", name="Add a rule").click()
    second = page.get_by_role("group", name="Rule 2")
    second.get_by_label("Layers").fill("fc3")
    second.get_by_label("Policy").select_option("exact")
    expect(second.get_by_label("Forward ratio")).to_have_count(0)
    plan = page.locator(".plan tbody tr")
    expect(plan.nth(1)).to_contain_text("nps 40\u202f%")
    expect(plan.nth(2)).to_contain_text("exact")
    page.get_by_role("button", name="Remove rule 1").click()
    expect(plan.nth(1)).to_contain_text("exact")


def test_form_and_yaml_edit_each_other(visit: Visit) -> None:
    visit.may_fail = True
    page = visit.open("/new")
    page.get_by_label("as YAML").check()
    yaml = page.get_by_label("Spec as YAML")
    page.get_by_label("Forward ratio").fill("0.3")
    expect(yaml).to_have_value(re.compile("forward: 0.3\n"))
    text = yaml.input_value()
    yaml.fill(text.replace("forward: 0.3", "forward: 0.2  # less") + "seed: 7\n")
    expect(page.get_by_label("Forward ratio")).to_have_value("0.2")
    expect(page.get_by_label("Seeds")).to_have_value("7")
    expect(yaml).to_have_value(re.compile("# less"))
    expect(page.get_by_test_id("planned")).to_have_text("79.9\u202f%")
    yaml.fill("model: {name: mlp\ntraining: 3")
    expect(page.get_by_role("alert")).to_contain_text("line 2")
    expect(page.get_by_label("Forward ratio")).to_have_value("0.2")
    page.get_by_label("Batch size").fill("20")
    expect(yaml).to_have_value(re.compile("batch_size: 20"))
    yaml.fill(yaml.input_value().replace("forward: 0.2", "forward: 1.5\n    depth: 3"))
    expect(page.locator(".rule .field-error").first).to_contain_text("got 1.5")
    expect(page.locator(".rule .whole")).to_contain_text("not known")


def gained(page: Page) -> None:
    """Let the catalog offer a network and two data sets that the page never heard of."""

    def answer(route: Route) -> None:
        catalog: dict[str, Any] = route.fetch().json()
        depth = {"type": "integer", "default": 3, "description": "Blocks."}
        catalog["models"].append(
            {
                "name": "guest", "summary": "A network of a package.", "layers": [],
                "task": "language-modelling", "parameters": {"properties": {"depth": depth}},
            }
        )  # fmt: skip
        for name in ("letters", "words"):
            catalog["datasets"].append(
                {
                    **catalog["datasets"][0], "name": name, "title": f"All {name}",
                    "task": "language-modelling",
                }
            )  # fmt: skip
        route.fulfill(body=json.dumps(catalog), content_type="application/json")

    page.route("**/api/v1/catalog", answer)


def test_a_network_that_the_service_gains_appears_with_the_data_that_fits_it(visit: Visit) -> None:
    visit.may_fail = True
    gained(visit.page)
    page = visit.open("/new")
    data = page.get_by_label("Data set")
    expect(data.locator("option")).to_contain_text(["digits", "mnist"])
    expect(data.locator("option", has_text="pydoc")).to_have_count(0)
    page.get_by_label("Network").select_option("guest")
    expect(data.locator("option")).to_contain_text(["pydoc", "letters", "words"])
    expect(data.locator("option", has_text="digits")).to_have_count(0)
    expect(data).to_have_value("pydoc")
    data.select_option("letters")
    expect(page.get_by_label("Depth")).to_have_attribute("placeholder", "3")
    # This service itself doesn't know them, and says so at their fields.
    expect(page.locator(".field").filter(has=page.get_by_label("Network"))).to_contain_text("guest")
    expect(page.locator(".field").filter(has=data)).to_contain_text("letters")


def test_a_recurrent_network_offers_gates_and_a_rule_its_schedule(visit: Visit) -> None:
    visit.may_fail = True
    page = visit.open("/new")
    rule = page.get_by_role("group", name="Rule 1")
    expect(rule.get_by_role("group", name="Gates")).to_have_count(0)
    page.get_by_label("Network").select_option("lstm")
    expect(page.get_by_label("Data set")).to_have_value("pydoc")
    expect(page.get_by_label("Validation examples")).to_have_count(0)
    expect(page.locator(".plan tbody tr")).to_have_count(3)
    rule.get_by_label("Layers").fill("lstm*")
    expect(page.locator(".plan tbody tr").last).to_contain_text("exact")
    whole = page.get_by_test_id("planned").inner_text()
    rule.get_by_label("forget").check()
    expect(page.get_by_test_id("planned")).not_to_have_text(whole)
    rule.get_by_label("Schedule").check()
    rule.get_by_label("Shape").select_option("linear")
    rule.get_by_label("Start").fill("0.2")
    rule.get_by_label("End step").fill("0")
    wrong = rule.locator(".field").filter(has=page.get_by_label("End step"))
    expect(wrong.locator(".field-error")).to_be_visible()
    rule.get_by_label("Mode").select_option("backward_only")
    expect(rule.get_by_label("Forward ratio")).to_have_count(0)
    rule.get_by_label("Policy").select_option("meprop")
    expect(rule.get_by_label("Mode")).to_have_count(0)


def test_what_is_refused_at_the_submission_stands_at_its_field(visit: Visit, bench: Bench) -> None:
    visit.may_fail = True
    page = visit.open("/new")
    name = page.get_by_label("Name", exact=True)
    name.fill("n" * 201)
    page.get_by_label("Learning rate").fill("0.0123")
    submit = page.get_by_role("button", name="Submit 6 jobs")
    submit.click()
    error = page.locator(".field").filter(has=name)
    expect(error).to_contain_text("at most 200 characters; got 201")
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Learning rate")).to_have_value("0.0123")
    seeds = page.get_by_label("Seeds")
    for wrong in ("99999999999999999999", "-1", "0-20000", "one"):
        seeds.fill(wrong)
        expect(page.locator(".field").filter(has=seeds)).to_contain_text("whole numbers from 0 on")
    seeds.fill("0")
    name.fill("n" * 200)
    page.get_by_role("button", name="Submit 2 jobs").click()
    expect(page).to_have_url(re.compile("sweep="))


def test_yaml_without_an_end_is_refused_and_costs_no_text(visit: Visit) -> None:
    visit.may_fail = True
    page = visit.open("/new?yaml=1")
    page.get_by_label("Name", exact=True).fill("kept")
    yaml = page.get_by_label("Spec as YAML")
    yaml.fill("model: &a [*a]")
    expect(page.get_by_role("alert")).to_contain_text("an alias stands for itself")
    expect(yaml).to_have_value("model: &a [*a]")
    expect(page.get_by_label("Name", exact=True)).to_have_value("kept")
