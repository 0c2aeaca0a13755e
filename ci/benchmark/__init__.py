"""What ci/bench is made of: it measures the allocator beside its rivals, and the harness."""
