"""How far approximate products are from the exact ones, on matrices of random entries.

Section 3.2 of Adelman & Silberstein 2018 (Figures 1a and 1b), and what its section 3 dismisses by
argument alone, measured: error and cost of random projection, truncated SVD, count sketch and
random walk beside the policies of column-row sampling. A convolution is studied in the same way,
with the cheap scores of Eq. 8 and the optimal ones of Eq. 7.

With A of m x n, B of n x p (for a convolution: images I and kernels K), a method of size k gives C̃
for C = A B, and the error matrix is E = C − C̃. All errors have one normalisation, so that they can
be set side by side and against 1/√k, the bound of norm-proportional sampling with replacement:

    frobenius_error   ‖E‖_F / (‖A‖_F ‖B‖_F), the paper's
    spectral_error    ‖E‖₂ / (‖A‖_F ‖B‖_F); never above the Frobenius error
    element_error     mean |E_ij| · √(m p) / (‖A‖_F ‖B‖_F); never above it either

For a convolution E is the matrix of output positions (of all images) by filters.

`plan` and what a spec costs import no torch; nothing here is imported by this file.

    plan.py        ratios -> k, and the MACs of every method
    matrices.py    the pairs of a matrix product     } the same four questions:
    channels.py    the pairs of a convolution        } scores, norms, exact, weighted
    entries.py     random factors from a distribution
    pairs.py       the error of sampling pairs, and its exact expectation
    projection.py svd.py count_sketch.py random_walk.py    the alternatives
    measure.py     a spec, ratio by ratio, as Points
"""
