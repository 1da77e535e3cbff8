# %% [markdown]
# # Find a winning ticket
#
# Does a small part of a network train as well as the whole, if it starts from the same weights? We
# search for such a ticket, compare it with its controls, and look at its mask.

# %%
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_lottery as kl

# %matplotlib inline

# %% tags=["parameters"]
EPOCHS = 15
ROUNDS = 7

# %%
keras.utils.set_random_seed(0)
images, labels = load_digits(return_X_y=True)
x, x_valid, y, y_valid = train_test_split(images / 16, labels, test_size=0.2, random_state=0)

model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(300, "relu"),
        keras.layers.Dense(100, "relu"),
        keras.layers.Dense(10, "softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

# %% [markdown]
# ## Search
#
# Each round trains the network, prunes 40 % of its surviving weights and rewinds the rest to their
# initial values. Three networks are trained per round: the ticket, its mask over new weights
# (`reinit`), and its mask shuffled within each layer (`permuted_layer`).

# %%
search = kl.TicketSearch(
    rounds=ROUNDS, rate=0.4, arms=("winning", "reinit", "permuted_layer"), verbose=False
)
history = search.fit(model, x, y, epochs=EPOCHS, validation_data=(x_valid, y_valid))
history

# %% [markdown]
# The ticket stays close to the dense network while the controls lose accuracy. One seed shows the
# pattern; `keras-lottery run` repeats it over several and gives intervals.

# %%
history.plot()

# %% [markdown]
# ## What does the mask look like?
#
# The number of surviving connections of each input pixel, round by round. The search discovers
# that the border of the images is empty.

# %%
rounds = [1, ROUNDS // 2, ROUNDS]
figure, axes = plt.subplots(1, len(rounds), figsize=(9, 3))
for n, axis in zip(rounds, axes):
    mask = history.ticket(n).masks["layers/dense/kernel"]
    axis.imshow(mask.sum(axis=1).reshape(8, 8), cmap="viridis")
    axis.set_title(f"round {n}: {mask.mean():.1%} of the layer")
    axis.set_axis_off()
plt.show()

# %% [markdown]
# ## Keep it
#
# A ticket file holds the masks and the weights at the rewind point. Any model of the same
# architecture can be trained from it.

# %%
best = history.best_round(within=0.01)
with tempfile.TemporaryDirectory() as folder:
    history.ticket(best).save(Path(folder) / "winning.ticket.safetensors")
    ticket = kl.Ticket.load(Path(folder) / "winning.ticket.safetensors")

ticket.apply(model)
model.fit(x, y, epochs=EPOCHS, verbose=0)
print(f"round {best}, trained again: {model.evaluate(x_valid, y_valid, verbose=0)[1]:.3f}")
