"""The loader of genomic-benchmarks 1.0.0, timed: each line read is one pass, each line written its CPU seconds a row.

Runs in the environment of `upstream.py`. Arguments: dataset, rows to serve in a pass, padded or even, files or memory.
"""

import sys
import time

import torch
from genomic_benchmarks.dataset_getters.pytorch_datasets import get_dataset
from genomic_benchmarks.dataset_getters.utils import LetterTokenizer, build_vocab, check_seq_lengths, coll_factory
from torch.utils.data import DataLoader

name, rows, padded, kept = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "padded", sys.argv[4]
torch.set_num_threads(1)
dataset = get_dataset(name, "train")
if kept == "memory":
    dataset = [dataset[i] for i in range(len(dataset))]
tokenizer = LetterTokenizer()
vocabulary = build_vocab(dataset, tokenizer, padded)
stdout, sys.stdout = sys.stdout, sys.stderr  # its length check prints
_, length = check_seq_lengths(dataset, padded)
collate = coll_factory(vocabulary, tokenizer, "cpu", pad_to_length=length if padded else None)
loader = DataLoader(dataset, batch_size=64, shuffle=True, collate_fn=collate)
print("ready", file=stdout, flush=True)
for _ in sys.stdin:
    batches, served = iter(loader), 0
    start = time.process_time()
    while served < rows:
        served += len(next(batches)[0])
    print((time.process_time() - start) / served, file=stdout, flush=True)
