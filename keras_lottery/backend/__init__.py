"""The only place that asks which backend is in use."""
