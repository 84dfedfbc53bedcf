"""Why the engine does not do what it was asked from outside; each text is the platform's where that has one."""

from __future__ import annotations


class Refused(Exception):
    """Nothing was changed."""


class UnknownFunction(Refused):
    """The app has no orchestrator of that name."""


class InstanceExists(Refused):
    """An instance of that id has not ended yet."""


class InstanceMissing(Refused):
    """No instance of that id."""


class InstanceEnded(Refused):
    """The instance has ended; there is nobody left to hear."""


class WrongStatus(Refused):
    """What was asked for can be done to instances of another status only."""


class SteeredTwice(Refused):
    """It is suspended, or resumed, already. The platform answers that as a fault of its own, with 500."""
