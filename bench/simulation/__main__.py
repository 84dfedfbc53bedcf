"""`python -m bench.simulation [--quick]`."""

from bench.simulation.sweep import main

main()
