"""`genolightning sweep NAME key=value...`: many trials, each its own `train` process, resumable, shared by machines."""

from pathlib import Path

from genolightning.config.help import Parser
from genolightning.console import say

KEYS = {
    "workers=N": "points at a time, each with its share of the GPUs or cores (1)",
    "sampler=grid|tpe|random": "every combination, or n_trials draws from the ranges (as the file says)",
    "n_trials=N": "draws of a search (as the file says)",
    "prune=median|null": "end a draw whose validation score is below the median of the others'",
    "storage=URL": "an Optuna storage for a search; left out, a journal file beside the runs",
    "launcher=local|slurm": "submit `workers` jobs that share the points; launcher.KEY=VALUE sets conf/launcher's keys",
    "dry_run=true": "print the points, or the job's script, and run nothing",
    "retry=true": "run points again that failed",
}


def main(arguments: list[str]) -> int:
    """Run a sweep, or print its points or its jobs; 1 if a point failed."""
    parser = Parser(prog="genolightning sweep", add_help=False, allow_abbrev=False)
    parser.add_argument("name", nargs="?")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--config-dir", type=Path)
    args = parser.parse_intermixed_args(arguments)
    if args.help or args.name is None:
        say(*explain_sweeps(args.config_dir))
        return 0

    from genolightning.sweeps.run import dry_run, run_sweep
    from genolightning.sweeps.search_space import read_space
    from genolightning.sweeps.status import report_trials

    space = read_space(args.name, args.overrides, args.config_dir)
    if space.settings["launcher"]:
        from genolightning.sweeps.slurm import submit_jobs

        submit_jobs(space, arguments)
    elif space.settings["dry_run"]:
        say(*dry_run(space))
    else:
        return 1 if report_trials(trial.folder for trial in run_sweep(space)) else 0
    return 0


def explain_sweeps(config_dir: Path | None) -> list[str]:
    """The help text: the available sweeps, and the keys of a sweep itself."""
    from genolightning.sweeps.search_space import sweep_lines

    return [
        "Run many points, each a `train` process of its own; started again it goes on, and several machines may join.",
        "",
        "usage: genolightning sweep NAME [key=value ...] [--config-dir DIR] [--help]",
        "       genolightning sweep export NAME --format wandb",
        "",
        "sweeps (with --config-dir DIR also those of your own: each DIR/NAME.yaml)",
        *sweep_lines(config_dir),
        "",
        "keys (those of `train` too, fixed or varied: seed=range(1,6)  model=cnn,convnet  dataset=glob(gb_*))",
        *(f"  {key:<26}{text}" for key, text in KEYS.items()),
        "",
        "examples (quote brackets: a shell reads them itself)",
        "  genolightning sweep seeds dataset=motifs model=cnn",
        "  genolightning sweep gb_all workers=2 trainer.max_epochs=5",
        "  genolightning sweep hyena_search n_trials=12 workers=2",
        "  genolightning sweep seeds dataset=motifs model=convnet seed=1 sampler=tpe n_trials=8 \\",
        "    'optimizer.lr=tag(log,interval(1e-4,1e-2))' model.backbone.dim=16,32,64",
        "  genolightning sweep my_search --config-dir DIR      (a search of your own, in DIR/my_search.yaml)",
    ]
