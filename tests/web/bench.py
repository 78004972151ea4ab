"""Jobs for the page to show: submitted to the real service, trained by hand through the store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from crs_core.events import Event, LayerRow, Layers, Points, Started
from store import attempts, recording, tokens, workers
from store.attempts import Claim, Outcome
from store.session import Database
from store.tokens import Role
from tests.web.browser import Api

STEPS_PER_EPOCH = 20
BASE: dict[str, Any] = {
    "model": {"name": "mlp", "hidden": [50]},
    "dataset": {"name": "digits"},
    "training": {"epochs": 2, "batch_size": 50},
}
LOST = {"exact": 0.0, "topk": 0.001, "nps": 0.01, "uniform": 0.06}
"""What each policy costs in accuracy at half of the pairs; a quarter costs three times that."""
WOBBLE = {"exact": 0.0, "topk": 0.0002, "nps": 0.001, "uniform": 0.004}
"""By how much seeds 1 and 2 differ from that, up and down."""


BLOCKS = ((4_000_000, 0.5), (9_000_000, 0.25), (2_000_000, 0.4), (500_000, 1.0))
"""MACs of each product of a layer, and the share of pairs that it keeps."""


def rule(policy: str, forward: float) -> list[dict[str, Any]]:
    return [{"policy": policy, "forward": forward, "min_samples": 1}]


def perplexity(accuracy: float) -> float:
    """Give a perplexity that is worse by as much as the accuracy: 80 for 98 %, 81 for 97 %."""
    return 178 - 100 * accuracy


class Bench:
    """A service, its database and a worker that does what it is told."""

    def __init__(self, database: Database, api: Api) -> None:
        self.database, self.api = database, api
        slot = workers.NewWorker(
            name="bench-1", host="bench", pid=4711, kind="cpu", devices=["cpu"], threads=1,
            memory_bytes=1 << 33, datasets=["digits"], versions={"torch": "2.0"},
        )  # fmt: skip
        with database.write() as session:
            self.worker = workers.register(session, slot)

    def job(self, name: str = "", **changes: Any) -> str:
        spec = BASE | {"approximation": rule("topk", 0.5), "seed": 0} | changes
        made: str = self.api.post("/jobs", {"spec": spec, "name": name})["id"]
        return made

    def sweep(self, name: str = "four policies") -> str:
        """Submit exact and three policies at two ratios, three seeds each, and train them all."""
        rules = [rule(policy, r) for policy in LOST if policy != "exact" for r in (0.5, 0.25)]
        variants: list[dict[str, Any]] = [{"approximation": []}]
        variants += [{"approximation": one} for one in rules]
        body = {"name": name, "base": BASE, "axes": {"seed": [0, 1, 2]}, "variants": variants}
        made = self.api.post("/sweeps", body)
        for _ in range(len(made["jobs"])):
            self.train()
        sweep_id: str = made["id"]
        return sweep_id

    def study(self, name: str = "errors", methods: Sequence[str] = ("nps", "topk", "svd")) -> str:
        """Submit a study of each method and end it; errors are the bound's, less for some."""
        pairs = 80
        base = {
            "kind": "matmul_error",
            "operation": {"name": "matmul", "m": 100, "n": pairs, "p": 60},
        }
        variants = [{"method": method} for method in methods]
        made = self.api.post("/sweeps", {"name": name, "base": base, "variants": variants})
        for _ in methods:
            claim = self.start(pairs)
            method = claim.spec.method.name
            self.record(claim, [self._error(method, k, pairs) for k in range(8, pairs + 1, 8)])
            self.finish(claim)
        sweep_id: str = made["id"]
        return sweep_id

    def _error(self, method: str, k: int, pairs: int) -> Points:
        share = {"nps": 0.9, "topk": 0.7, "svd": 0.5}[method]
        bound: float = k**-0.5
        values = {"frobenius_error": share * bound * (1 - k / pairs / 2), "macs": 6000.0 * k}
        values |= {"spectral_error": share * bound / 3, "compute_reduction": 1 - k / pairs}
        values |= {"product_seconds": 0.002 + k / 1e5, "exact_product_seconds": 0.002}
        if method == "nps":
            values |= {"error_bound": bound, "expected_error": 0.92 * bound * (1 - k / pairs / 2)}
        return Points(step=k, epoch=k / pairs, values=values)

    def claim(self) -> Claim:
        with self.database.write() as session:
            found = attempts.claim(session, self.worker)
        assert found is not None, "no job waits"
        return found

    def record(self, claim: Claim, events: Iterable[Event], *, log: str = "") -> None:
        with self.database.write() as session:
            recording.record(session, claim.attempt_id, list(events), log=log)

    def finish(self, claim: Claim, outcome: Outcome = Outcome.SUCCEEDED, **why: str) -> None:
        with self.database.write() as session:
            attempts.finish(session, claim.attempt_id, outcome, **why)

    def give_back(self, claim: Claim, **why: str) -> None:
        with self.database.write() as session:
            attempts.release(session, claim.attempt_id, blameless=True, **why)

    def start(self, steps: int = 40) -> Claim:
        """Take the next job and say that it began."""
        claim = self.claim()
        self.record(
            claim,
            [
                Started(
                    step=0, total_steps=steps, steps_per_epoch=STEPS_PER_EPOCH, device="cpu",
                    threads=1, versions={"torch": "2.0"},
                )
            ],
        )  # fmt: skip
        return claim

    def step(self, claim: Claim, step: int, **values: float) -> None:
        self.record(claim, [Points(step=step, epoch=step / STEPS_PER_EPOCH, values=values)])

    def layers(self, claim: Claim, *, step: int = 20) -> None:
        """Report three layers: the second saves most, the third errs most, the last is exact."""
        self.record(
            claim,
            [
                Layers(
                    step=step,
                    rows=tuple(
                        LayerRow(
                            layer=f"block{place}.conv", product=product,
                            policy="topk" if kept < 1 else "exact", ratio=kept, pairs=200,
                            kept=200 * kept, exact_macs=macs, performed_macs=int(macs * kept),
                            never_kept=0.1 * place if kept < 1 and product == "forward" else None,
                            error=0.04 * place + extra if kept < 1 else None,
                        )
                        for place, (macs, kept) in enumerate(BLOCKS, 1)
                        for product, extra in (("forward", 0.0), ("grad_weight", 0.01))
                    ),
                )
            ],
        )  # fmt: skip

    def train(self, steps: int = 40) -> Claim:
        """Train the next job to its end; its policy decides the accuracy."""
        claim = self.start(steps)
        rules, seed = claim.spec.approximation, claim.spec.seed
        policy = rules[0].policy.name if rules else "exact"
        kept = rules[0].forward if rules else 1.0
        accuracy = 0.98 - LOST[policy] * (3 if kept < 0.5 else 1) + 0.0005 * (seed - 1)
        accuracy += WOBBLE[policy] * (0, 1, -1)[seed % 3]
        self.record(
            claim,
            [
                *(self._points(n, steps, accuracy) for n in range(1, steps + 1)),
                Points(step=steps, epoch=steps / STEPS_PER_EPOCH, values=self._end(accuracy, kept)),
                Layers(step=steps, rows=(self._layer(policy, kept),)),
            ],
            log=f"trained with {policy}\n",
        )
        self.finish(claim)
        return claim

    def _points(self, step: int, of: int, accuracy: float) -> Points:
        values: dict[str, float] = {"train_loss": 2 / step, "seconds": step / 10}
        if step % STEPS_PER_EPOCH == 0:
            values |= {"test_perplexity": perplexity(accuracy) * of / step}
            values |= {"test_accuracy": accuracy * step / of, "validation_loss": 2 / step}
            values |= {"validation_accuracy": accuracy * step / of}
        return Points(step=step, epoch=step / STEPS_PER_EPOCH, values=values)

    def _end(self, accuracy: float, kept: float) -> Mapping[str, float]:
        return {
            "best_test_accuracy": accuracy,
            "best_test_perplexity": perplexity(accuracy),
            "compute_reduction": 1 - kept,
            "seconds": 2.0 + kept,
            "steps_per_s": 50.0,
        }

    def _layer(self, policy: str, kept: float) -> LayerRow:
        sampled = policy != "exact"
        return LayerRow(
            layer="fc1", product="forward", policy=policy, ratio=kept, pairs=64, kept=64 * kept,
            exact_macs=1000, performed_macs=int(1000 * kept),
            never_kept=0.25 if sampled else None, error=0.125 if sampled else None,
        )  # fmt: skip


@dataclass
class Lab:
    """A service that asks for a token, and how to make one."""

    api: Api
    database: Database

    def token(self, user: str, role: Role = "user") -> tuple[str, str]:
        """Give a new token's id and secret."""
        with self.database.write() as session:
            made = tokens.issue(session, user, role, expires_in_s=3600)
        return made.token.id, made.secret

    def revoke(self, token_id: str) -> None:
        with self.database.write() as session:
            tokens.revoke(session, token_id)

    def sweeps(self, secret: str) -> list[tuple[str, str]]:
        headers = {"Authorization": f"Bearer {secret}"}
        answer = httpx.get(f"{self.api.url}/api/v1/sweeps", headers=headers).json()
        return [(sweep["name"], sweep["owner"]) for sweep in answer["items"]]

    def job(self, secret: str, name: str = "", **changes: Any) -> str:
        headers = {"Authorization": f"Bearer {secret}"}
        spec = BASE | {"approximation": rule("topk", 0.5), "seed": 0} | changes
        body = {"spec": spec, "name": name}
        answer = httpx.post(f"{self.api.url}/api/v1/jobs", json=body, headers=headers)
        made: str = answer.raise_for_status().json()["id"]
        return made
