"""The formats: each writes an artifact, and reloads it in a fresh process."""
