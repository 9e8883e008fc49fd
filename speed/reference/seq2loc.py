"""genomic-benchmarks' seq2loc on two FASTA files of this machine: CPU seconds, then what it found as JSON.

    python seq2loc.py QUERIES REFERENCE

Runs in the environment of `upstream.py`; the reference is read before the clock starts, as its notebooks do.
"""

import json
import sys
import time

from Bio import SeqIO
from genomic_benchmarks.seq2loc import fasta2loc

queries, reference = sys.argv[1:]
stdout, sys.stdout = sys.stdout, sys.stderr  # the package prints
letters = {record.id: str(record.seq) for record in SeqIO.parse(reference, "fasta")}
begin = time.process_time()
found = fasta2loc(queries, letters)
print(time.process_time() - begin, json.dumps(found), file=stdout)
