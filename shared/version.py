"""The version of the whole: the one place where it is written. CONTRIBUTING.md says how a new one is made."""

from __future__ import annotations

VERSION = "0.4.0"
