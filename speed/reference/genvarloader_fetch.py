"""GenVarLoader's Reference.fetch: one pass over the same windows for each line read, CPU seconds printed.

python genvarloader_fetch.py FASTA WINDOWS.npz      then lines: LENGTH names|numbers
"""

import sys
import time

import numpy as np
from genvarloader import Reference

fasta, file = sys.argv[1:]
windows = np.load(file)
reference = Reference.from_path(fasta)
batch = int(windows["batch"])
print("ready", flush=True)
for line in sys.stdin:
    length, how = line.split()
    chroms, starts = windows[f"chrom_{length}"], windows[f"start_{length}"]
    if how == "numbers":
        chroms = np.array([reference.contigs.index(chrom) for chrom in chroms])
    ends = starts + int(length)
    begin = time.process_time()
    for at in range(0, len(starts), batch):
        reference.fetch(chroms[at : at + batch], starts[at : at + batch], ends[at : at + batch])
    print(time.process_time() - begin, flush=True)
