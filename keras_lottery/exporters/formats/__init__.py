"""The formats: each writes an artifact, and reads it back in a fresh process."""
