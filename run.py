"""Start Quanticity: `python run.py --help`."""

from bot.cli.main import main

if __name__ == "__main__":
    main()
