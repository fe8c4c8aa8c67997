"""`python -m bounds`: the command line, also under torchrun."""

from bounds.cli import main

if __name__ == "__main__":
    main()
