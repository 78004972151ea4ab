"""The paper's tables and figures as data, how they are run, and how ours is set beside theirs."""
