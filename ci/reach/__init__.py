"""What ci/coverage is made of."""
