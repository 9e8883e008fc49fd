"""Train the CNN of genomic-benchmarks 1.0.0 by its own loop, as its notebook does, and print its test accuracy.

Runs in the environment of `upstream.py`, with HOME at a folder that holds `.genomic_benchmarks/<name>`.
"""

import json
import sys

import torch
from genomic_benchmarks.dataset_getters.pytorch_datasets import get_dataset
from genomic_benchmarks.dataset_getters.utils import LetterTokenizer, build_vocab, check_seq_lengths, coll_factory
from genomic_benchmarks.models.torch import CNN
from torch.utils.data import DataLoader

name, seed, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(seed)
train, test = get_dataset(name, "train"), get_dataset(name, "test")
order = [list(dict.fromkeys(path.parent.name for path in split.all_paths)) for split in (train, test)]
assert order[0] == order[1], f"classes are numbered by the file system, {order[0]} in train and {order[1]} in test"

tokenizer = LetterTokenizer()
vocabulary = build_vocab(train, tokenizer, use_padding=False)
_, length = check_seq_lengths(train, use_padding=False)
collate = coll_factory(vocabulary, tokenizer, "cpu", pad_to_length=None)
model = CNN(2, len(vocabulary), embedding_dim=100, input_len=length, device="cpu")
model.fit(DataLoader(train, batch_size=64, shuffle=True, collate_fn=collate), epochs=epochs)
accuracy, f1 = model.test(DataLoader(test, batch_size=64, shuffle=True, collate_fn=collate))
print(
    json.dumps({"accuracy": float(accuracy), "f1": float(f1), "parameters": sum(p.numel() for p in model.parameters())})
)
