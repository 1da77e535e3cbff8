"""Find, study and ship sparse trainable networks in Keras 3."""
