"""Writes draws.json: random numbers that real PyTorch draws on the CPU.

    python draws.py > draws.json

Needs Python 3.11 with torch==2.6.0 and numpy==2.4.6; draws.json was written with these.
"""

import hashlib
import json

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def tensor(values):
    """The number of values, some of the first, and the digest of all, as float32 in little-endian bytes."""
    values = values.detach().numpy().ravel()
    return {"n": values.size, "first": values[:3].tolist(), "sha256": sha256(values.astype("<f4"))}


def order(images):
    images = np.array(images, np.int64)
    return {"n": images.size, "first": images[:3].tolist(), "sha256": sha256(images.astype("<i4"))}


def generator(seed):
    """Tensors on either side of the lengths at which PyTorch changes to vectors in other draws, and after
    each a number that shows how much was drawn."""
    torch.manual_seed(seed)
    uniform = []
    for n in (1, 7, 8, 15, 16, 17, 31, 624, 1000, 100_003):
        draw = tensor(torch.empty(n).uniform_(-0.25, 0.25))
        draw["then"] = torch.empty((), dtype=torch.int64).random_().item()
        uniform.append(draw)
    return {"seed": seed, "uniform": uniform,
            "permutations": [order(torch.randperm(n).tolist()) for n in (1, 2, 3, 64, 2000, 60_000)]}


def layers(seed):
    """Initial weights and biases of layers with few and many inputs."""
    torch.manual_seed(seed)
    linear = [(fan_in, nn.Linear(fan_in, 3)) for fan_in in (1, 2, 3, 5, 30, 49, 392, 784, 4096, 99_991)]
    conv = [(9 * channels, nn.Conv2d(channels, 3, kernel_size=3)) for channels in (1, 4, 7, 64)]
    return {"seed": seed, "layers": [{"fan_in": f, "weight": tensor(m.weight), "bias": tensor(m.bias)} for f, m in linear + conv]}


def epochs(seed, n, shuffle):
    """Three epochs of a loop with DataLoaders like the tutorial's: after each full batch of 64, two more
    loaders are read, one of n items and one of 500."""
    torch.manual_seed(seed)
    loader = DataLoader(range(n), batch_size=64, shuffle=shuffle)
    orders = []
    for _ in range(3):
        images = []
        for batch in loader:
            images += batch.tolist()
            if len(batch) == 64:
                for evaluated in (range(n), range(500)):
                    for _ in DataLoader(evaluated, batch_size=4096):
                        pass
        orders.append(order(images))
    return {"seed": seed, "n": n, "shuffle": shuffle, "orders": orders,
            "then": torch.empty((), dtype=torch.int64).random_().item()}


print(json.dumps({
    "torch": torch.__version__,
    "generator": [generator(s) for s in (0, 1, 7, 2**32 - 1, 2**32 + 7, 2**63 + 5, 2**64 - 1)],
    "layers": [layers(s) for s in (0, 7)],
    "epochs": [epochs(s, n, shuffle) for s in (0, 7) for n in (100, 640, 2000) for shuffle in (True, False)],
}, separators=(",", ":")))
