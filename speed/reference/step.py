"""The network of genomic-benchmarks 1.0.0 in a bare loop: read a number of steps, write CPU seconds a step.

Runs in the environment of `upstream.py`. Arguments: bases a sequence, rows a batch. The step is that of its training
loop: forward, loss, backward, Adam; the second loss and the accuracy that its loop adds are left out.
"""

import sys
import time

import torch
from genomic_benchmarks.models.torch import CNN

length, rows = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
torch.manual_seed(0)
model = CNN(2, 7, embedding_dim=100, input_len=length + 2, device="cpu")
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randint(0, 7, (50, rows, length + 2)), torch.randint(0, 2, (50, rows, 1)).float()
print("ready", flush=True)
for line in sys.stdin:
    start = time.process_time()
    for step in range(int(line)):
        loss = model.loss(model(x[step % 50]), y[step % 50])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print((time.process_time() - start) / int(line), flush=True)
