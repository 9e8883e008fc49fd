"""Command lines read with argparse, and `--help` written from the comments of the config files."""

import argparse
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from genolightning.console import say
from genolightning.errors import UserError
from genolightning.paths import conf_dir, data_root


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line; argparse prints the usage as well."""

    def error(self, message: str) -> NoReturn:
        """Raise the error as a UserError."""
        raise UserError(f"{message}; see: {self.prog} --help")


def options(verb: str, about: str, examples: Sequence[str]) -> Parser:
    """The parser of a verb with ordinary options, `--json` and `--config-dir` among them."""
    parser = Parser(
        prog=f"genolightning {verb}",
        description=about,
        epilog="\n".join(["examples:", *(f"  genolightning {verb} {line}".rstrip() for line in examples)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    parser.add_argument("--config-dir", type=_folder, metavar="DIR", help="a folder of configs of your own")
    return parser


def parse(verb: str, words: Sequence[str]) -> argparse.Namespace:
    """Parse a command line of overrides, `--cfg` and `--config-dir`; `--help` prints the help and exits."""
    parser = Parser(prog=f"genolightning {verb}", add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--cfg", choices=["job"])
    parser.add_argument("--config-dir", type=_folder)
    args = parser.parse_intermixed_args(words)
    if args.help:
        say(explain(verb, args.config_dir))
        parser.exit()
    return args


def explain(verb: str, config_dir: Path | None = None) -> str:
    """The help of a verb, generated from its primary config's comments, keys and groups."""
    lines = (conf_dir() / f"{verb}.yaml").read_text().splitlines()
    examples = [line.removeprefix("# example: ") for line in lines if line.startswith("# example: ")]
    groups = [match.groups() for line in lines if (match := re.match(r"  - (\w+): (\w+)", line))]
    return "\n".join(
        [
            *textwrap.wrap(about(conf_dir() / f"{verb}.yaml"), 110),
            "",
            f"usage: genolightning {verb} [group=choice ...] [key=value ...] [--config-dir DIR] [--cfg job] [--help]",
            "",
            "groups (the choice made when you name none)",
            *(line for group, usual in groups for line in _choices(group, usual, config_dir)),
            "",
            "keys (any other key of the config can be set too: --cfg job prints it)",
            *(f"  {key:<30}{text}" for key, text in _keys(lines)),
            "",
            "options",
            f"  {'--config-dir DIR':<30}a folder of configs of your own, laid out like these groups",
            f"  {'--cfg job':<30}print the composed config and do nothing",
            "",
            "examples",
            *(f"  {line}" for line in examples),
        ]
    )


def choices(group: str, config_dir: Path | None = None) -> dict[str, Path]:
    """The choices of a config group, sorted, and their files: the shipped ones, and those in the user's folders."""
    folders = [conf_dir(), *user_folders(config_dir)]  # as Hydra searches them
    files = {file.stem: file for folder in reversed(folders) for file in (folder / group).glob("*.yaml")}
    return dict(sorted(files.items()))


def user_folders(config_dir: Path | None = None) -> list[Path]:
    """The user's folders of configs, first the one that is searched first: `--config-dir`, the data root's `conf`."""
    own = data_root() / "conf"
    return [*([config_dir] if config_dir else []), *([own] if own.is_dir() else [])]


def near(wrong: str, names: Iterable[str]) -> str:
    """The text "did you mean ...? " if one of the names is close, else ""."""
    return "".join(f"did you mean {name}? " for name in get_close_matches(wrong, list(names), 1))


def about(file: Path) -> str:
    """The comment that opens a config file: what it is, and whose numbers these are."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("# @package")]
    return lines[0].removeprefix("#").strip() if lines and lines[0].startswith("#") else ""


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise UserError(f"--config-dir {text}: no such folder; give the one that holds dataset/, model/ or the like")
    return Path(text)


def _choices(group: str, usual: str, config_dir: Path | None) -> list[str]:
    text = f"({usual}) " + " ".join(choices(group, config_dir))
    return textwrap.wrap(text, 110, initial_indent=f"  {group:<12}", subsequent_indent=" " * 14, break_on_hyphens=False)


def _keys(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Keys a user is likely to set: `# key: KEY=X   about`, and top-level `key: value   # about`."""
    for line in lines:
        if match := re.match(r"# key: (\S+) +(.*)", line):
            yield match[1], match[2]
        elif match := re.match(r"(\w+): (\S+) +# (.*)", line):
            yield f"{match[1]}={'...' if match[2] == '???' else match[2]}", match[3]
