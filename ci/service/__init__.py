"""What ci/service-check is made of: builds as a fuzzing service makes them, and what it requires of them."""
