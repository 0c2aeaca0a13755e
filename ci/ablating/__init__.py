"""What ci/ablation is made of."""
