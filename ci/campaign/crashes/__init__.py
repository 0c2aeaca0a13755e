"""Failing inputs: kept, replayed, told apart, minimized, and listed by ci/triage."""
