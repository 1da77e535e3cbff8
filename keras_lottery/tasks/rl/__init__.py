"""Reinforcement learning, on TensorFlow only; the only package that imports TF-Agents."""
