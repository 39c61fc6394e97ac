"""seeing: find pictures by example, and say which are best.

>>> import seeing
>>> library = seeing.open()          # found as git finds its own; see seeing.library.Library
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Library", "Taste", "__version__", "open"]

if TYPE_CHECKING:
    from .library import Library
    from .library import open_library as open
    from .rank.exemplars import Taste


def __getattr__(name: str) -> Any:  # noqa: ANN401
    # lazy: `import seeing` costs nothing, and pytest may import this file a second time
    if name in ("open", "Library"):
        from . import library

        return library.open_library if name == "open" else library.Library
    if name == "Taste":
        from .rank.exemplars import Taste

        return Taste
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
