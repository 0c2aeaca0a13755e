"""The page of ci/fuzz --report."""
