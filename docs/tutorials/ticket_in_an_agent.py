# %% [markdown]
# # A ticket in an agent
#
# A DQN agent learns to balance CartPole's pole; its network is pruned and rewound, after Yu et al.
# 2019 ([1906.02768](https://arxiv.org/abs/1906.02768)). This tutorial needs the extra `rl` and
# TensorFlow, and takes a few minutes.
#
# TF-Agents is written for Keras 2. TensorFlow provides it if this variable is set before
# TensorFlow is first imported; `keras` is still Keras 3.

# %%
import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tempfile

import matplotlib.pyplot as plt
import pandas as pd

from keras_lottery import engine
from keras_lottery.config import presets
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths

# %matplotlib inline

# %% tags=["parameters"]
FRAMES = 2500  # per epoch
EPOCHS = 12
HIDDEN = (64, 64)

# %% [markdown]
# ## An experiment from Python
#
# The preset is the experiment of the [results](../results/cartpole_dqn/page.md), made smaller: two
# rounds of 60 %, one seed, and one control, a random mask over new weights, in the second round.
# Bars show the progress of each training.

# %% tags=["progress"]
folder = tempfile.TemporaryDirectory()
config = presets.frozen(
    "yu2019/control:cartpole_small",
    {
        "name": "tutorial",
        "data.epoch": FRAMES,
        "data.eval_games": 5,
        "model.hidden": HIDDEN,
        "train.length": f"{EPOCHS}ep",
        "prune.rounds": 2,
        "prune.rate": 0.6,
        "prune.arm_rounds": {"permuted_global": (2,)},
        "arms": ("winning", "permuted_global"),
        "seeds": (0,),
        "claims": (),
        "backend": "tensorflow",
        "out": folder.name,
    },
)
run = engine.run(config)

# %% [markdown]
# `value` is the mean return of the last training episodes; the best possible is 500.

# %%
rows = read_results(RunPaths(run).results)
table = pd.DataFrame(
    {"round": r.round, "arm": r.arm, "remaining": 1 - r.sparsity, "return": r.value} for r in rows
)
table.round(3)

# %% [markdown]
# ## Learning curves
#
# Each training writes its history next to its ticket.

# %%
for row in rows:
    history = pd.read_csv(RunPaths(run).history(row.training))
    plt.plot(history["step"], history["return"], label=f"round {row.round} {row.arm}")
plt.xlabel("training step")
plt.ylabel("mean return of the last episodes")
plt.legend()
plt.show()

# %% [markdown]
# One seed decides nothing in reinforcement learning: returns of equal agents differ by tens of
# points. `keras-lottery run --config=yu2019/control:cartpole_small` runs five, with all controls,
# and `keras-lottery export --run=… --format=policy` writes a ticket as a policy that TensorFlow
# alone can run.

# %%
folder.cleanup()
