"""The catalogue of all variants."""

from . import (
    auth_faults,
    body_faults,
    connection_faults,
    error_faults,
    harmless_answers,
    harmless_data,
    invariant_faults,
    schema_faults,
    status_faults,
    undocumented,
)
from .variant import Variant

CATALOGUE: tuple[Variant, ...] = (
    *harmless_data.VARIANTS,
    *harmless_answers.VARIANTS,
    *schema_faults.VARIANTS,
    *status_faults.VARIANTS,
    *body_faults.VARIANTS,
    *error_faults.VARIANTS,
    *connection_faults.VARIANTS,
    *auth_faults.VARIANTS,
    *undocumented.VARIANTS,
    *invariant_faults.VARIANTS,
)


def named(name: str) -> Variant:
    """Return the first variant of a name; raises `LookupError` if there is none."""
    for variant in CATALOGUE:
        if variant.name == name:
            return variant
    raise LookupError(f"there is no variant {name!r}; --list shows all {len(CATALOGUE)}")
