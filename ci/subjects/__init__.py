"""What ci/subject is made of: what it is asked for, and the adapters that it writes."""
