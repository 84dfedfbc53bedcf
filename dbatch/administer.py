"""`python -m dbatch.administer`: what `scripts/admin` is in a clone, `dbatch admin` under another name."""

from __future__ import annotations

from dbatch.verbs.admin import admin

if __name__ == "__main__":
    admin(prog_name="scripts/admin")
