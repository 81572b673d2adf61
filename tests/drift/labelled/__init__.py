"""Changes of the published spec, each labelled by what it does to a consumer, with the rules that say so."""

from . import operations as operations
from . import schemas as schemas
from . import spellings as spellings
from .label import BREAKING as BREAKING
from .label import HARMLESS as HARMLESS
from .label import NO_CHANGE as NO_CHANGE
from .label import Case as Case
from .label import cases as cases
