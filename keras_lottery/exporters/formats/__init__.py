"""The formats: each writes an artifact, and loads it in a fresh process with its own runtime."""
