"""The same training in PyTorch, made fast.

    python pytorch_optimized.py "8 MLP(30)" FOLDER_OF_MNIST

All images are one tensor, a batch is an index into it, and after every iteration one forward pass
evaluates all 2,500 images. The counts stay tensors until the end.
"""

import time

import torch
from torch import nn

from pytorch_as_written import new_model, new_optimizer
from work import BATCH, measure


def train(work, images, labels):
    model = new_model(work)
    optimizer = new_optimizer(work, model)
    right = []
    for _ in range(work.epochs):
        order = torch.randperm(2000) if work.shuffle else torch.arange(2000)
        for batch in order.split(BATCH)[:2000 // BATCH]:
            model.train()
            loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.eval()
            with torch.inference_mode():
                right.append(model(images).argmax(1) == labels)
    right = torch.stack(right).float()
    return right[:, :2000].mean(1), right[:, 2000:].mean(1)


def optimized(work, pixels, labels):
    begin = time.perf_counter()
    images = torch.tensor(pixels).reshape(-1, 1, 28, 28).float() / 255
    labels = torch.tensor(labels).long()
    prepare_seconds = time.perf_counter() - begin
    runs = [train(work, images, labels) for _ in range(work.seeds)]
    return [r[0] for r in runs], [r[1] for r in runs], prepare_seconds, 0.0


if __name__ == "__main__":
    measure(optimized)
