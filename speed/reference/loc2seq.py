"""genomic-benchmarks' loc2seq on a dataset and reference of this machine: CPU seconds, then peak memory in MB.

    python loc2seq.py DATASET REFERENCES OUT        REFERENCES holds the FASTA that metadata.yaml's URLs end in

Runs in the environment of `upstream.py`; nothing is downloaded, the package's imports are not timed.
"""

import resource
import sys
import time
from pathlib import Path

from genomic_benchmarks.loc2seq import download_dataset

dataset, references, out = map(Path, sys.argv[1:])
stdout, sys.stdout = sys.stdout, sys.stderr  # the package prints
begin = time.process_time()
download_dataset(dataset, version=0, dest_path=out, cache_path=references, use_cloud_cache=False, local_repo=True)
print(time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=stdout)
