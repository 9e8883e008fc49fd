"""One chromosome, several spellings: chr1 and 1, chrM and MT, a transcript with and without its version."""

import difflib
import re
from collections.abc import Collection, Iterable

_MITOCHONDRION = {"M", "MT", "mitochondrion_genome"}
_PREFIX = re.compile(r"chr(?=.)", re.IGNORECASE)
# versions of Ensembl and RefSeq transcripts; other names may end in a dot and a number that distinguish genes (worm)
_VERSION = re.compile(r"^(ENS[A-Z]*\d+|[NX][MR]_\d+)\.\d+$")


def common_name(name: str) -> str:
    """The spelling without `chr`, with one name for the mitochondrion.

    >>> [common_name(name) for name in ("chr1", "Chr1", "1", "chrM", "mitochondrion_genome", "IV")]
    ['1', '1', '1', 'MT', 'MT', 'IV']
    """
    bare = _PREFIX.sub("", name, count=1) if _PREFIX.match(name) else name
    return "MT" if bare in _MITOCHONDRION else bare


def aliases(names: Iterable[str]) -> dict[str, str]:
    """Other spellings of a genome's names -> the name as its FASTA has it; what could mean two records is left out.

    Look a name up as it is first, then as `common_name(name)` here.

    >>> aliases(["chr1", "chrM", "ENST00000217185.11"])["ENST00000217185"]
    'ENST00000217185.11'
    >>> aliases(["chr1", "1", "chr2"])
    {'2': 'chr2'}
    """
    found: dict[str, set[str]] = {}
    for name in names:
        spellings = {common_name(name)}
        if version := _VERSION.match(name):
            spellings.add(version[1])
        for spelling in spellings:
            found.setdefault(spelling, set()).add(name)
    return {spelling: owners.pop() for spelling, owners in found.items() if len(owners) == 1}


def nearest(name: str, names: Collection[str]) -> str:
    """A few of a genome's names that look most like the one that is absent, for an error.

    >>> nearest("chr21", ["chr1", "chr2", "chrX"])
    'chr2, chr1, chrX'
    """
    some = list(names)[:5000]
    close = difflib.get_close_matches(name, some, n=3, cutoff=0.5)
    return ", ".join(close or some[:3])
