"""Train networks on a sample of their own matrix products: column-row sampling (CRS).

A product A B, A of m x n and B of n x p, is the sum of n outer products, one per *pair*: a column
of A with the same-numbered row of B. CRS keeps k of the n pairs, so that the product costs m k p
instead of m n p multiply-accumulates (MACs). Every pair has a *score* (as a rule the product of
the two norms), a *policy* chooses by score, and a *scale* may follow so that the result is right
on average. A convolution is the same with input channels for pairs.

Source: Adelman & Silberstein, "Faster Neural Network Training with Approximate Tensor Operations",
2018. Equation numbers in this package are of that text.

Letters, the same everywhere:

    A, B        the factors of a product, m x n and n x p; k pairs of n are kept
    X, W, Y     a layer's input (batch x in), weight (out x in) and output (batch x out); Y = X W^T
    S           the set of pairs kept in the forward product
    N C H W     images; K is the number of output channels
    p_i, q_i    the probability that pair i is drawn, or kept
    ratio       the share of pairs to keep, 0 < ratio <= 1

This module imports nothing, so that `import crs_core` costs nothing. The names to start from:

    crs_core.spec.JobSpec, Policy       what to train and how, as checked data
    crs_core.sampling.sample            scores -> which pairs are kept, with which scale
    crs_core.ops.crs_matmul, crs_linear, crs_conv2d, crs_lstm, crs_bmm
    crs_core.nn.CRSLinear, CRSConv2d, CRSLSTM   drop-in twins of the modules of torch.nn
    crs_core.convert.approximate        an exact model and rules -> an approximate model
    crs_core.cost.plan_cost             what a spec costs and saves, before a step is run
    crs_core.engine.train               the training loop
"""
