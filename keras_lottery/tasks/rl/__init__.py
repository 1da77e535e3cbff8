"""Reinforcement learning, on the TensorFlow backend alone; the only importer of TF-Agents."""
