# %% [markdown]
# # Prune and ship a model
#
# A small convolutional network on the handwritten digits of scikit-learn: pruned while it trains,
# then by whole channels, then exported. Nothing is downloaded, and it takes about a minute.

# %%
import contextlib
import tempfile

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_lottery as kl

# %matplotlib inline

# %% tags=["parameters"]
EPOCHS = 15

# %%
keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(
    images.reshape(-1, 8, 8, 1) / 16, labels, test_size=0.2, random_state=0
)


def make_model():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(32, 3, activation="relu", padding="same"),
            keras.layers.Conv2D(32, 3, activation="relu", padding="same"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(128, "relu"),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


# %% [markdown]
# ## Prune during training
#
# `GradualPruning` raises the sparsity along a cubic schedule, here to 90 % after half of the
# steps, so that the other half fine-tunes what is left.

# %%
model = make_model()
steps = EPOCHS * -(-len(x) // 32)
pruning = kl.callbacks.GradualPruning(final_sparsity=0.9, end_step=steps // 2, frequency=10)
log = model.fit(
    x, y, epochs=EPOCHS, validation_data=(x_test, y_test), callbacks=[pruning], verbose=0
)
print(f"accuracy with 10 % of the weights: {log.history['val_accuracy'][-1]:.3f}")

# %% [markdown]
# Which weights are left? Magnitudes are compared over all layers, so layers with smaller weights,
# usually the wide ones, lose more.

# %%
kl.summary(model)

# %% [markdown]
# ## Which layers tolerate pruning?
#
# The loss of a dense network with one layer pruned at a time, without retraining. Layers whose loss
# hardly changes can lose more.

# %%
dense = make_model()
dense.fit(x, y, epochs=EPOCHS, verbose=0)
table = kl.sensitivity(dense, (x_test, y_test), sparsities=(0.5, 0.8, 0.9))
table.plot()

# %% [markdown]
# ## Remove channels
#
# Scattered zeros make a file smaller, not the network faster. Removing channels does: `compact`
# builds a smaller dense network, and checks that its outputs are those of the masked one.

# %%
kl.prune(dense, flops=0.6, pattern="channels")  # as few channels as save 60 % of the FLOPs
dense.fit(x, y, epochs=EPOCHS // 2, verbose=0)
print(f"accuracy: {dense.evaluate(x_test, y_test, verbose=0)[1]:.3f}")
small = kl.compact(dense)
print(kl.compaction_report(small))

# %% [markdown]
# ## Ship it
#
# `export` strips the masks, writes the file, loads it in a fresh process and compares its outputs.
# [Exporting](../export.md) lists the formats: SavedModel, LiteRT, ONNX, OpenVINO, …

# %%
with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
    print(kl.export(model, "pruned.keras", format="keras"))
