"""Image classification: data, models and the task."""
