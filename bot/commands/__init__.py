"""The commands of the terminal program, one module each with ``run(arguments) -> exit code``."""
