"""Work in a separate process on another backend: its imports, and the models that it loads."""
