"""Fixtures that every test may use."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# torch's threads wait for one another in busy loops: beside other work, tenfold the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# TF-Agents needs it before TensorFlow is imported; Keras 3 takes no notice of it.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
