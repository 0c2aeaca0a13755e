"""What ci/mutants is made of."""
