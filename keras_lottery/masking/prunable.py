"""A table of layer classes and the attributes that hold their prunable weights.

The rank of a variable isn't enough: the biases of a GRU and of attention have two axes.
"""

from dataclasses import dataclass, field

import keras

from keras_lottery import checks
from keras_lottery.errors import LotteryError

__all__ = ["Weights", "input_axis", "prunable_weights", "register_prunable"]

GROUPS = ("conv", "dense", "recurrent", "embedding", "other")


@dataclass(frozen=True)
class Weights:
    """A layer class' entry in the table.

    Args:
        kinds: attribute -> `kernel`, `recurrent`, `embedding`, `bias`, `norm` or `other`.
        group: `conv`, `dense`, `recurrent`, `embedding` or `other`.
        subtree: True if the layer reads the weights of its sublayers directly, as an LSTM reads
            its cell's. It then owns the masks of the whole subtree.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    group: str = "other"
    subtree: bool = False


_TABLE: dict[type | str, Weights] = {}


def register_prunable(
    layer_class: type[keras.Layer],
    *,
    kernel: tuple[str, ...] = (),
    recurrent: tuple[str, ...] = (),
    embedding: tuple[str, ...] = (),
    bias: tuple[str, ...] = (),
    norm: tuple[str, ...] = (),
    other: tuple[str, ...] = (),
    group: str = "dense",
    subtree: bool = False,
) -> None:
    """Registers the weight attributes of a layer class, so that it can be pruned.

    Subclasses inherit the entry unless they have their own.

    Args:
        layer_class: the class.
        kernel: attributes that hold weight matrices and filters.
        recurrent: attributes that hold recurrent matrices.
        embedding: attributes that hold embedding tables.
        bias: attributes that hold biases.
        norm: attributes that hold scales and shifts of a normalization.
        other: attributes that are never pruned.
        group: `conv`, `dense`, `recurrent`, `embedding` or `other`.
        subtree: True if `call` reads the weights of sublayers directly.

    Raises:
        LotteryError: `layer_class` is not a layer class, or the group is unknown.

    Example:
        >>> register_prunable(MyLayer, kernel=("w",), bias=("b",))
    """
    if not (isinstance(layer_class, type) and issubclass(layer_class, keras.Layer)):
        raise LotteryError(
            f"Expected a subclass of keras.Layer. Received: {layer_class!r}. "
            "Pass the class, not an instance."
        )
    if group not in GROUPS:
        raise LotteryError(f"Expected one of the groups {', '.join(GROUPS)}. Received: {group!r}.")
    kinds = {"kernel": kernel, "recurrent": recurrent, "embedding": embedding}
    kinds |= {"bias": bias, "norm": norm, "other": other}
    table = {n: kind for kind, names in kinds.items() for n in checks.names(names, kind)}
    _TABLE[layer_class] = Weights(table, group, checks.truth(subtree, "subtree"))


def prunable_weights(layer: keras.Layer) -> Weights | None:
    """Returns the table's entry for a layer's class or its nearest base class, or None."""
    for cls in type(layer).__mro__:
        entry = _TABLE.get(cls) or _TABLE.get(f"{cls.__module__.partition('.')[0]}:{cls.__name__}")
        if entry is not None:
            return entry
    return None


def input_axis(layer: keras.Layer, kind: str, shape: tuple[int, ...], attribute: str) -> int | None:
    """Returns the innermost input axis of a kernel; None for other variables.

    Args:
        layer: layer that owns the variable.
        kind: kind of the variable.
        shape: shape of the variable.
        attribute: name of the variable in the layer.
    """
    if kind not in ("kernel", "recurrent") or len(shape) < 2 or attribute == "depthwise_kernel":
        return None
    names = {cls.__name__ for cls in type(layer).__mro__}
    if "BaseDepthwiseConv" in names:
        return None
    if "BaseConvTranspose" in names:
        return len(shape) - 1
    if "EinsumDense" in names:
        operands, _, target = str(getattr(layer, "equation", "")).replace(" ", "").partition("->")
        letters = operands.partition(",")[2]
        return max((i for i, letter in enumerate(letters) if letter not in target), default=None)
    return len(shape) - 2


def _add(package: str, classes: str, group: str, subtree: bool = False, **kinds: str) -> None:
    """Adds classes by name, without importing their package."""
    table = {name: kind for kind, names in kinds.items() for name in names.split()}
    for name in classes.split():
        _TABLE[f"{package}:{name}"] = Weights(table, group, subtree)


_add("keras", "Dense EinsumDense", "dense", kernel="kernel", bias="bias")
_add("keras", "BaseConv BaseConvTranspose BaseDepthwiseConv", "conv", kernel="kernel", bias="bias")
_add("keras", "BaseSeparableConv", "conv", kernel="depthwise_kernel pointwise_kernel", bias="bias")
_add("keras", "Embedding", "embedding", embedding="embeddings")
_add("keras", "ReversibleEmbedding", "embedding", embedding="embeddings reverse_embeddings")
_add(
    "keras",
    "SimpleRNNCell LSTMCell GRUCell ConvLSTMCell",
    "recurrent",
    kernel="kernel",
    recurrent="recurrent_kernel",
    bias="bias",
)
_add("keras", "RNN StackedRNNCells", "recurrent", subtree=True)
_add(
    "keras", "BatchNormalization GroupNormalization LayerNormalization", "other", norm="gamma beta"
)
_add("keras", "RMSNormalization", "other", norm="scale")
_add("keras", "LayerScale", "other", norm="gamma")
_add("keras", "PReLU", "other", other="alpha")
_add("keras", "STFTSpectrogram", "other", other="real_kernel imag_kernel")
_add("keras", "Attention AdditiveAttention", "other", other="scale concat_score_weight")

_add("keras_hub", "PositionEmbedding", "embedding", embedding="position_embeddings")
_add("keras_hub", "MaskedLMHead", "dense", kernel="_kernel", bias="_bias")
_add(
    "keras_hub",
    "RMSNormalization EdRecRMSNormalization Gemma3nAudioCumulativeGroupNorm Gemma3nRMSNorm "
    "Gemma4FrozenNorm GptOssLayerNormalization LlamaLayerNorm MistralLayerNormalization "
    "MixtralLayerNormalization Phi3LayerNorm QwenLayerNorm QwenMoeLayerNorm Qwen3LayerNorm "
    "Qwen3MoeLayerNorm Qwen3_5LayerNorm Qwen3_5RMSNormGated RoformerNorm",
    "other",
    norm="scale",
)
_add("keras_hub", "T5LayerNorm", "other", norm="weight")
_add("keras_hub", "LayerScale2d RmsNorm2d", "other", norm="gamma")
_add("keras_hub", "HGNetV2LearnableAffineBlock", "other", norm="scale bias")
_add("keras_hub", "DINOV2LayerScale DINOV3LayerScale", "other", norm="lambda1")

# Experts, recurrences and attention with their own weight matrices.
_add(
    "keras_hub",
    "MixtralMoeExperts QwenMoeExperts Qwen3MoeExperts Qwen3_5MoeExperts",
    "dense",
    kernel="_expert_feedforward_gate_dense _expert_feedforward_intermediate_dense "
    "_expert_feedforward_output_dense",
)
_add(
    "keras_hub",
    "GptOssExperts",
    "dense",
    kernel="gate_up_proj down_proj",
    bias="gate_up_proj_bias down_proj_bias",
)
_add(
    "keras_hub",
    "Gemma4MoEBlock",
    "dense",
    kernel="gate_proj up_proj down_proj",
    other="per_expert_scale",
)
_add("keras_hub", "Gemma4AudioRelativePositionEmbedding", "dense", kernel="pos_proj")
_add(
    "keras_hub",
    "Qwen3_5GatedDeltaNet",
    "conv",
    kernel="conv1d_weight",
    bias="dt_bias",
    other="A_log",
)
_add(
    "keras_hub",
    "RWKV7TimeMix",
    "dense",
    kernel="w1 w2 a1 a2 g1 g2 v1 v2",
    bias="w0 a0 v0",
    other="x_r x_w x_k x_v x_a x_g k_k k_a r_k",
)
_add("keras_hub", "RWKV7ChannelMix", "other", other="x_k")

_add("keras_hub", "T5MultiHeadAttention", "embedding", embedding="relative_attention_bias")
_add("keras_hub", "RelativeEmbedding", "embedding", embedding="rel_embeddings")
_add("keras_hub", "WindowAttention", "embedding", embedding="relative_position_bias_table")
_add("keras_hub", "AddRelativePositionalEmbedding", "embedding", embedding="rel_pos_h rel_pos_w")
_add("keras_hub", "AddPositionalEmbedding", "embedding", embedding="pos_embed")
_add("keras_hub", "Gemma4VisionPatchEmbedder", "embedding", embedding="position_embedding_table")
_add("keras_hub", "PARSeqDecoder", "embedding", embedding="pos_query_embeddings")
_add("keras_hub", "SAM3Embedding", "embedding", embedding="tiled_position_embeddings")
_add(
    "keras_hub",
    "DeiTEmbeddings DINOV2Embedding",
    "embedding",
    embedding="position_embedding position_embeddings interpolated_position_embeddings",
    other="class_token cls_token distillation_token mask_token register_tokens",
)
_add(
    "keras_hub",
    "XLNetEncoder",
    "embedding",
    embedding="segment_encoding",
    bias="content_attention_bias positional_attention_bias segment_attention_bias",
)

# Learned tokens, queries, and scales of single channels or heads.
for _classes, _attributes in (
    ("BLIP2QueryTokens", "query_tokens"),
    ("CLIPVisionEmbedding MetaCLIP2VisionEmbedding", "class_embedding"),
    ("CLIPHead MetaCLIP2Head SigLIPHead", "logit_scale logit_bias"),
    ("DINOV3Embedding", "cls_token mask_token register_tokens"),
    ("Gemma3nAudioAttention Gemma4AudioAttention", "per_dim_scale"),
    ("Gemma4Router VideoPrismPerDimScale", "per_dim_scale"),
    ("Gemma3nTextAltUp", "correct_output_scale"),
    ("GptOssAttention", "sinks"),
    ("MultiHeadAttentionPooling SigLIPMultiHeadAttentionPooling", "probe"),
    ("T5Gemma2Backbone", "encoder_eoi_embedding decoder_eoi_embedding"),
    ("VideoPrismAttenTokenPoolingLayer", "pooling_attention_query"),
    ("VideoPrismClassToken", "cls_token"),
    ("ViTPatchingAndEmbedding", "class_token"),
    ("XLNetAttentionMaskLayer", "mask_emb"),
):
    _add("keras_hub", _classes, "other", other=_attributes)
