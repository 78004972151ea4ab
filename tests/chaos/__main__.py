"""`python -m tests.chaos`: break a service at random times for as long as asked (`make chaos`)."""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence

from tests.chaos.faults import FAULTS, possible
from tests.chaos.servers import postgres_programs, redis_program
from tests.chaos.storm import run
from tests.chaos.world import PROFILES, World


def main() -> int:
    """Run the storms; 1 where something was not as it must be."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--profile", choices=(*PROFILES, "both"), default="both")
    parser.add_argument("--faults", type=int, default=34, help="of each storm [34]")
    parser.add_argument("--seeds", default=None, help="one storm for each, as 1,2,3 [one, random]")
    parser.add_argument("--only", default=None, help=f"some of: {', '.join(FAULTS)}")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between faults [2]")
    asked = parser.parse_args()
    seeds = (
        [random.SystemRandom().randrange(10**6)]
        if asked.seeds is None
        else [int(seed) for seed in asked.seeds.split(",")]
    )
    total: Counter[str] = Counter()
    failed = False
    for profile in PROFILES if asked.profile == "both" else (asked.profile,):
        if profile == "cluster" and not (postgres_programs() and redis_program()):
            print("cluster: left out, PostgreSQL or Redis is not installed (make system-deps)")
            failed = True
            continue
        for seed in seeds:
            print(f"\n{profile}, seed {seed}", flush=True)

            def choose(world: World, seed: int = seed) -> Sequence[str]:
                names = possible(world)
                if asked.only is not None:
                    names = [name for name in names if name in asked.only.split(",")]
                chance = random.Random(seed)
                rounds = -(-asked.faults // len(names))
                drawn = [n for _ in range(rounds) for n in chance.sample(names, len(names))]
                return drawn[: asked.faults]

            done, wrong = run(
                profile, seed, choose, pause_s=asked.pause, say=lambda s: print(s, flush=True)
            )
            total += done
            for words in wrong:
                print(f"WRONG: {words}", flush=True)
            failed = failed or bool(wrong)
    print(f"\n{sum(total.values())} faults: {dict(sorted(total.items()))}")
    print("something is not as it must be" if failed else "all is as it must be")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
