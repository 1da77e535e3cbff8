"""The experiment of each page of docs/results: its config and flags, sized for two cores.

A page may be of fewer seeds and arms: its config.json says which. Some have no page yet.
"""

# All arms of Zhou et al. 2019 except those that multiply kept values by weights ÷ kept.
DECONSTRUCTED = (
    "winning", "magnitude_increase", "movement", "large_init_large_final", "large_final_same_sign",
    "large_final_diff_sign", "large_init", "small_final", "small_init", "small_init_small_final",
    "random", "random_reinit", "random_reshuffle", "random_constant", "signed_reinit",
    "signed_reshuffle", "signed_constant", "freeze_init", "freeze_init_zero_mask",
    "freeze_init_zero_all", "freeze_init_zero_reshuffle", "freeze_init_zero_rev",
)  # fmt: skip

# A fifth of the paper's steps, and three of its rounds in one.
DECONSTRUCTING = (
    "zhou2019/deconstructing:lenet",
    "--config.train.length=10000it",
    "--config.train.eval_every=500",
    "--config.prune.rounds=5",
    "--config.prune.rate=0.488",
    "--config.prune.rates.output=0.271",
)

# Half of the preset's steps, and its lengths in proportion.
MULTI30K = (
    "yu2019/transformer:multi30k_small",
    "--config.train.length=1000it",
    "--config.optimizer.warmup=200it",
    "--config.rewind.to=50it",
    "--config.train.average_every=50it",
    "--seeds=0",
    "--backend=tensorflow",
)

ACROBOT = ("yu2019/control:acrobot_small", "--seeds=0,1,2,3,4,5,6,7")

# As before rewards were divided by 100 and epsilon with them.
UNSCALED = ("--config.data.reward_scale=1.0", "--config.optimizer.epsilon=1e-3")


def at_rounds(arms: str, rounds: str, always: str = "winning") -> tuple[str, ...]:
    """Returns the flags for `arms`, trained at `rounds` only, next to those trained `always`."""
    only = (f"--config.prune.arm_rounds.{arm}={rounds}" for arm in arms.split(","))
    return (f"--config.arms={always},{arms}", *only)


BERT_LONG = (
    *at_rounds("random_mask", "2,", "winning,init_magnitude"),
    "--seeds=0,1,2,3,4",
    "--backend=jax",
)

# At the published epsilon, 1e-3, nearly all neurons are frozen before the learning rate drops.
EQUILIBRIUM = ("bragagnolo2022/equilibrium:small_cnn_digits", "--backend=tensorflow")

EXPERIMENTS: dict[str, tuple[str, ...]] = {
    "quickstart": ("quickstart",),
    "lenet_mnist": (
        "frankle2019/lenet_mnist",
        "--config.name=lenet_mnist_10k",
        "--config.train.length=10000it",
        "--config.prune.rounds=20",
        "--config.draws=1",
        "--config.arms=winning,reinit,permuted_layer,permuted_global,one_shot",
        "--seeds=0,1,2,3,4",
    ),
    "equilibrium_digits": EQUILIBRIUM,
    **{
        f"equilibrium_digits_{epsilon}": (
            *EQUILIBRIUM,
            f"--config.name=equilibrium_digits_{epsilon}",
            f"--config.options.epsilon={epsilon}",
        )
        for epsilon in ("1e-5", "1e-4", "1e-2")
    },
    "equilibrium_cifar10": (
        "bragagnolo2022/equilibrium:resnet32_cifar10",
        "--config.name=equilibrium_cifar10_5000",
        "--config.model.name=small_cnn",
        "--config.data.train_size=5000",
        "--config.train.length=60ep",
        "--config.optimizer.boundaries=24ep,36ep",
        "--seeds=0,1,2",
        "--backend=tensorflow",
    ),
    "strong_tickets": ("natale2024/strong_tickets_digits", "--backend=jax"),
    "conv2_cifar10": (
        "frankle2019/conv:2",
        "--config.train.length=2500it",
        "--config.train.eval_every=250",
        # Three and a half of the paper's rounds in one: 8.8 and 4.6 % remain after 11 and 14 there.
        "--config.prune.rounds=4",
        "--config.prune.rate=0.542",
        "--config.prune.rates.conv=0.308",
        "--config.prune.rates.output=0.308",
        "--config.draws=1",
        *at_rounds("reinit", "3,4"),
        "--seeds=0,1,2",
        "--backend=tensorflow",
    ),
    "deconstructing_lenet_mnist": (
        *DECONSTRUCTING,
        f"--config.arms={','.join(DECONSTRUCTED)}",
        "--seeds=0,1,2",
    ),
    "frozen_lenet_mnist": (
        *DECONSTRUCTING,
        "--config.name=frozen_lenet_mnist",
        "--config.arms=winning,freeze_init,freeze_init_zero_mask",
        "--config.report.sparse=0.6",
        "--seeds=0,1,2,3,4,5,6,7",
    ),
    "transfer_mnist_halves": ("morcos2019/lenet_transfer",),
    "transfer_mnist_digits": (
        "morcos2019/lenet_transfer",
        "--config.options.sources=mnist,mnist_5000,mnist_20000",
        "--config.options.targets=digits",
        "--config.arms=winning,permuted_global",
    ),
    "transfer_optimizers": (
        "morcos2019/lenet_transfer",
        "--config.options.sources=mnist,sgd",
        "--config.options.targets=mnist,sgd",
        "--config.arms=winning,permuted_global",
    ),
    "transfer_cifar10_halves": (
        "morcos2019/small_cnn_transfer",
        "--seeds=0,1,2,3,4",
        "--backend=tensorflow",
    ),
    "supermasks_mnist": (
        "zhou2019/supermasks:lenet",
        "--config.train.length=10000it",
        "--seeds=0,1,2",
    ),
    "supermasks_conv2_cifar10": (
        "zhou2019/supermasks:conv2",
        "--config.train.length=10000it",
        "--config.train.eval_every=500",
        "--config.options.validation_examples=500",
        "--seeds=0",
        "--backend=tensorflow",
    ),
    "supermasks_conv6_cifar10": (
        "zhou2019/supermasks:conv6",
        "--config.train.length=10000it",
        "--config.train.eval_every=500",
        "--config.options.validation_examples=500",
        "--seeds=0",
        "--backend=tensorflow",
    ),
    "supermask_mnist": (
        "zhou2019/supermasks:learned",
        "--config.train.length=5000it",
        "--config.train.eval_every=500",
        "--config.supermask.length=200ep",
        "--config.supermask.eval_every=2200",
        "--seeds=0,1,2",
    ),
    "edge_popup_mnist": (
        "ramanujan2020/edge_popup:lenet",
        "--config.train.length=5000it",
        "--config.train.eval_every=500",
        "--config.edge_popup.length=30ep",
        "--config.prune.levels=0.3,0.5,0.7,0.9",
        "--seeds=0,1,2",
    ),
    "edge_popup_conv2_cifar10": (
        "ramanujan2020/edge_popup:conv2",
        "--config.name=edge_popup_conv2_check",
        "--config.train.length=100it",
        "--config.edge_popup.length=300it",
        "--config.edge_popup.eval_every=100",
        "--config.prune.rounds=1",
        "--config.prune.rate=0.5",
        "--config.arms=edge_popup_signed",
        "--seeds=0",
        "--backend=tensorflow",
    ),
    "prune_at_init_mnist": (
        "frankle2021/prune_at_init_lenet_mnist",
        "--config.name=prune_at_init_mnist",
        "--config.train.length=2000it",
        "--config.prune.rounds=4",
        "--seeds=0,1,2,3,4",
    ),
    "prune_at_init_digits_cnn": (
        "frankle2021/prune_at_init_lenet_mnist",
        "--config.name=prune_at_init_digits_cnn",
        "--config.data.name=digits",
        "--config.data.validation_size=200",
        "--config.model.name=small_cnn",
        "--config.train.length=1000it",
        "--config.prune.rounds=4",
        "--seeds=0,1,2,3,4",
        "--backend=tensorflow",
    ),
    "inertial_manifold_digits": ("zhang2021/inertial_manifold:digits",),
    "instability_small_cnn_digits": (
        "frankle2020/instability:small_cnn_digits",
        "--backend=tensorflow",
    ),
    "late_rewinding_resnet8_cifar10": (
        "frankle2020/late_rewinding:resnet8_cifar10",
        "--threads=1",
        "--backend=tensorflow",
    ),
    "instability_resnet8_cifar10": (
        "frankle2020/instability:resnet8_cifar10",
        "--seeds=1,2",
        "--threads=1",
        "--backend=tensorflow",
    ),
    "channels": ("channels", "--backend=tensorflow"),
    "rewinding_digits": ("renda2020/rewinding:digits",),
    "multi30k": MULTI30K,
    "multi30k_layers": (
        *MULTI30K,
        "--config.name=multi30k_layers",
        "--config.prune.embeddings=False",
        "--seeds=0,1",
    ),
    "multi30k_layers_long": ("yu2019/transformer:multi30k_layers_long", "--backend=tensorflow"),
    "multi30k_embeddings": (
        *MULTI30K,
        "--config.name=multi30k_embeddings",
        "--config.prune.include=*embedding*",
        "--config.prune.levels=0.672",
        "--config.prune.rounds=1",
        "--config.arms=winning,permuted_global",
    ),
    # The name is the one under which bert_transfer looks for these trainings.
    "bert_sst2": (
        "chen2020/bert:minilm_glue",
        "--config.name=minilm_transfer-sst2",
        "--backend=jax",
    ),
    "bert_transfer": ("chen2020/bert:minilm_transfer", "--backend=jax"),
    # Likewise for bert_transfer_long.
    "bert_sst2_long": (
        "chen2020/bert:minilm_glue_long",
        "--config.name=minilm_transfer_long-sst2",
        *BERT_LONG,
    ),
    "bert_transfer_long": ("chen2020/bert:minilm_transfer_long", *BERT_LONG),
    "cartpole_dqn": (
        "yu2019/control:cartpole_small",
        "--seeds=0,1,2,3,4,5,6,7,8,9,10,11",
        *at_rounds(
            "permuted_layer,reinit", "3,4,5,6", "winning,winning_init,permuted_global,one_shot"
        ),
    ),
    "cartpole_dqn_unscaled": (
        "yu2019/control:cartpole_small",
        *UNSCALED,
        "--config.name=cartpole_dqn_unscaled",
    ),
    "ptb_lstm_small": ("yu2019/lstm:ptb_small", "--backend=jax"),
    # Half of the paper's epochs.
    "ptb_lstm_words": ("yu2019/lstm:ptb_words", "--config.train.length=5ep", "--backend=jax"),
    "ptb_lstm_recurrent": (
        "yu2019/lstm:ptb_recurrent",
        "--config.train.length=5ep",
        "--backend=jax",
    ),
    # The paper's last five epochs have a rate of 1/32 and less.
    "ptb_lstm_200": (
        "zaremba2014/ptb_lstm_200",
        "--config.train.length=8ep",
        "--config.optimizer.boundaries=4ep,5ep,6ep,7ep",
        "--config.arms=dense",
        "--seeds=0",
        "--backend=jax",
    ),
    "acrobot_dqn": (
        *ACROBOT,
        *at_rounds(
            "permuted_global,permuted_layer,reinit,one_shot", "4,5,6", "winning,winning_init"
        ),
    ),
    "acrobot_dqn_unscaled": (
        *ACROBOT,
        *UNSCALED,
        "--config.name=acrobot_dqn_unscaled",
        *at_rounds("permuted_layer,permuted_input,reinit,one_shot", "6,"),
    ),
    "acrobot_dqn_layer": (
        "yu2019/control:acrobot_small",
        "--seeds=0,1,2,3,4",
        *UNSCALED,
        "--config.name=acrobot_dqn_layer",
        "--config.prune.scope=layer",
        "--config.arms=winning",
    ),
    "minatar_breakout_dqn": ("yu2019/control:minatar_breakout",),
    # Two and a half times the preset's frames.
    "lunarlander_dqn": (
        "yu2019/control:lunarlander_small",
        "--config.data.epoch=25000",
        "--seeds=0,1,2,3,4",
    ),
    "atari_breakout_dqn": ("yu2019/atari:breakout_small",),
    "cartpole_ppo": ("yu2019/control:cartpole_ppo_small", "--seeds=0,1,2,3,4,5,6,7"),
}
