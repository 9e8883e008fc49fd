"""`genolightning VERB ...`: finds the verb's module and turns errors into one line and an exit code.

Nothing heavy is imported before the verb is known.
"""

import os
import sys
import traceback
from importlib import import_module

from genolightning import __version__
from genolightning.errors import UserError

VERBS = {
    "train": "fit a model on a dataset, choose its best epoch, test it once",
    "test": "score a trained run on its test split",
    "predict": "predict for new DNA with a trained run",
    "sweep": "run many points, each its own process; started again it goes on",
    "watch": "show running, finished and failed runs in a table",
    "leaderboard": "runs, their seeds pooled, beside baselines and published scores",
    "models": "list the models and their sizes",
    "datasets": "list the datasets, say what one is, check its files",
}


def main() -> int:
    """Run the verb in `sys.argv`: 0, 2 (a user's mistake), 3 (diverged), 130 (Ctrl-C) or 1 (a fault of ours)."""
    # torch's waiting threads would spin: on cores shared with others a step then costs ten times its CPU time
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # sys.argv keeps the verb: Lightning starts the other processes of a DDP run with it
    verb, *words = sys.argv[1:] or ["--help"]
    try:
        return _run(verb, words)
    except KeyboardInterrupt:
        return 130
    except SystemExit as stop:
        if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning 2.6 turns Ctrl-C into sys.exit(1)
            return 130
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        raise
    except BrokenPipeError:  # `genolightning ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        from genolightning.config.mistakes import user_error  # after the verb, whose help should come at once

        mistake = user_error(error)
        if mistake is None or os.environ.get("GENOLIGHTNING_DEBUG") == "1":
            traceback.print_exc()
        else:
            print("genolightning:", " ".join(str(mistake).split()), file=sys.stderr)
        return mistake.exit_code if mistake else 1


def _run(verb: str, words: list[str]) -> int:
    if verb in ("-h", "--help"):
        print("usage: genolightning VERB ...     (genolightning VERB --help says more)", "", sep="\n")
        print(*(f"  {name:<13}{about}" for name, about in VERBS.items()), sep="\n")
        return 0
    if verb == "--version":
        print(__version__)
        return 0
    if verb not in VERBS:
        raise UserError(f"no verb '{verb}'; there are {', '.join(VERBS)}")
    return import_module(f"genolightning.commands.{verb}").main(words) or 0
