"""The `options` of the study `transfer`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from keras_lottery.config import Config, Section
from keras_lottery.config.fields import Distinct
from keras_lottery.config.sections import ArmName


@dataclass(frozen=True)
class TransferOptions:
    """The source and target experiments.

    Args:
        variants: experiments by name, as fields that differ from the config.
        sources: variants whose tickets are transferred; empty: all.
        targets: variants that they are trained on; empty: all.
        arms: arms trained from each source's tickets: `winning`, and controls that use its masks.
    """

    variants: dict[str, object] = field(default_factory=dict)
    sources: Annotated[tuple[str, ...], Distinct()] = ()
    targets: Annotated[tuple[str, ...], Distinct()] = ()
    arms: Annotated[tuple[ArmName, ...], Distinct(least=1)] = ("winning",)

    @property
    def names(self) -> tuple[str, ...]:
        """The variants in use, sources first."""
        return tuple(dict.fromkeys((*self.of("sources"), *self.of("targets"))))

    def of(self, role: str) -> tuple[str, ...]:
        """Returns the variants of `sources` or `targets`."""
        return getattr(self, role) or tuple(self.variants)

    def problems(self) -> Iterable[str]:
        for name, fields in self.variants.items():
            if not name or not all(c.isalnum() or c in "-_" for c in name):
                yield f"variants: expected names of letters, digits, '-', '_'. Received: {name!r}"
            if not isinstance(fields, Mapping):
                yield f"variants.{name}: expected a section of fields. Received: {fields!r}"
        if len(self.variants) < 2:
            yield f"variants: expected two or more. Received: {', '.join(self.variants) or 'none'}"
        for role in ("sources", "targets"):
            unknown = [name for name in getattr(self, role) if name not in self.variants]
            if unknown:
                yield (
                    f"{role}: expected names of variants ({', '.join(self.variants)}). "
                    f"Received: {', '.join(unknown)}"
                )


TransferConfig = Config[Section, Section, TransferOptions]
"""A config of this study."""
