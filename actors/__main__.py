"""``python -m actors``: the command line."""

from actors.cli.main import main

if __name__ == "__main__":
    main(prog_name="python -m actors")
