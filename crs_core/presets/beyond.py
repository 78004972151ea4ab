"""What goes beyond the paper, in seconds: policies, options and schedules on Digits."""

from crs_core.presets.preset import SMALL_MLP, TOPK, Preset, rule, sampled

BEYOND = (
    Preset(
        "digits-wta",
        "MLP on Digits, winner takes all 40 %",
        "The largest scores for certain, the rest of 40 % drawn from the others and scaled; in "
        "seconds.",
        sampled(SMALL_MLP, rule({"name": "wta"}, forward=0.4)),
    ),
    Preset(
        "digits-exploration",
        "MLP on Digits, top-k 40 % with exploration",
        "A tenth of the 40 % is drawn from the pairs that are not among the largest, so that none "
        "starves; in seconds.",
        sampled(SMALL_MLP, rule(TOPK | {"exploration": 0.1}, forward=0.4)),
    ),
    Preset(
        "digits-coverage",
        "MLP on Digits, as few pairs as hold 90 % of the score",
        "An adaptive budget: at most 60 % of the pairs, fewer where those hold 90 % of the total "
        "score; in seconds.",
        sampled(SMALL_MLP, rule(TOPK | {"coverage": 0.9}, forward=0.6)),
    ),
    Preset(
        "digits-kept-scores",
        "MLP on Digits, top-k 40 %, weight norms kept for 10 steps",
        "As digits-topk, but the norms of the weights are taken only every tenth step; in seconds.",
        sampled(SMALL_MLP, rule(TOPK | {"refresh_every": 10}, forward=0.4)),
    ),
    Preset(
        "digits-schedule",
        "MLP on Digits, from exact down to 30 %",
        "Half a cosine from every pair to 30 % of them, and the last tenth of the training exact; "
        "in seconds.",
        sampled(
            SMALL_MLP,
            rule(TOPK, forward=0.3, schedule={"shape": "cosine", "exact_last": 0.1}),
        ),
    ),
)
"""In the order in which they are shown."""
