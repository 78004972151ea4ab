"""Choose pairs by their scores, and say by what each must be scaled.

With scores s_1 … s_n (never negative), p_i = s_i / Σs and a budget of k pairs:

    policy                     chooses                                   scale       unbiased
    exact                      all n pairs                               1           no error
    topk                       the k largest scores                      1           no
    nps, replacement, scaled   k draws, pair i with p_i (Eq. 3, Eq. 8)   1/(k p_i)   yes (Eq. 2)
    nps, replacement           the same draws                            1           no
    nps, scaled                successive draws, none put back           1/(k p_i)   no
    nps                        the same draws                            1           no
    uniform (four variants)    as nps with p_i = 1/n                     n/k or 1    scaled: yes
    bernoulli                  pair i alone with q_i = min(1, c s_i)     1/q_i       yes
    wta                        the c largest scores, and k - c draws     1, and      yes
                               from the others, i with p_i/R             R/((k-c) p_i)
    meprop                     the k largest scores                      1           no

"Unbiased" means that the mean of Σ scale_i · (pair i) over many draws is the sum over all pairs.
For `bernoulli` c is such that Σq = min(k, number of scores above 0), so k is the mean count of a
draw; what is clipped at 1 is handed to the other pairs until the budget is spent. For `wta` R is
the share of the scores that the c largest leave, and c = 0 … k-1 that for which R/(k-c) is
smallest: the bound on the variance of what is drawn, over that of `nps`, is R k/(k-c).
`meprop` differs from `topk` in what is scored, and where: `crs_core.ops.meprop`.

A pair of score 0 contributes nothing; where `nps` or `wta` scales, its scale is 0. When all scores
are 0, `nps` and `wta` draw uniformly and `bernoulli` draws nothing.

What a policy can have on top:

    exploration e   a floor against starvation. `nps`, `bernoulli` and `wta` take (1-e) p_i + e/n
                    for p_i throughout, which keeps what is unbiased so. `topk` and `meprop` keep
                    the k - m largest and draw the other m = round(e k), at least 1 and at most
                    k-1, uniformly from the rest; their scale stays 1.
    coverage a      an adaptive budget: k becomes the size of the smallest set that holds the
                    share a of Σs, at least `least` and at most k; in groups that of the group
                    that needs most. It hangs on the scores alone: what is unbiased stays so.
    refresh_every   who calls keeps the norms of the weight (`crs_core.ops.memory`); nothing
                    changes here.

Source: Adelman & Silberstein 2018, section 3.1; `bernoulli`: Adelman, Levy, Hakimi & Silberstein
2021; `wta`: Liu et al. 2023 (Winner-Take-All Column Row Sampling), whose |C| is our c. Draws that
are not put back: the k largest of s_i / E_i, E_i exponential (Gumbel top-k).
"""

from crs_core.sampling.budget import enough
from crs_core.sampling.choose import as_policy, draw, is_scaled, needs_scores, sample
from crs_core.sampling.draws import DRAWS, Kept, keep_probabilities

__all__ = [
    "DRAWS",
    "Kept",
    "as_policy",
    "draw",
    "enough",
    "is_scaled",
    "keep_probabilities",
    "needs_scores",
    "sample",
]
