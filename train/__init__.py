"""Learning from labels and scores: folds that do not leak, probes."""
