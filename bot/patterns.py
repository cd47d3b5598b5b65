"""Regular expressions that are compiled when they are first used.

Most commands need few of them, and `re` takes up to two milliseconds for one: all that the engine has
would be a tenth of its start.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def lazy(text: AnyStr, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[AnyStr]:
    """What ``re.compile(text, flags)`` gives, and raises, at its first use."""
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))


class _Pattern:
    def __init__(self, text: str | bytes, flags: re.RegexFlag) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Found once: from then on the method is the instance's own."""
        method = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, method)
        return method
