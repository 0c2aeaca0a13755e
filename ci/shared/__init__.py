"""What the commands share: their command line, child processes, builds, targets, and how they write for people."""
