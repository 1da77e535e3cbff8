"""Work in a process of its own, on another backend: what it imports, and models that it loads."""
