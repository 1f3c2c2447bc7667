"""The parts of examples/demo.py. Python's standard library is all they use."""
