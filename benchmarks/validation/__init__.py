"""What the package does, checked against outside oracles; written to `docs/results/validation/`."""
