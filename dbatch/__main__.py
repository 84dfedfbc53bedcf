"""`python -m dbatch`, and what the entry point `dbatch` calls."""

from __future__ import annotations

from dbatch.program import program


def main() -> None:
    program(prog_name="dbatch")


if __name__ == "__main__":
    main()
