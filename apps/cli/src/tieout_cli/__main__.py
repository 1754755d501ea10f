"""``python -m tieout_cli``: the same as the installed program ``tieout``."""

from tieout_cli.main import main

if __name__ == "__main__":
    main()
