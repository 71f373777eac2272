"""Writes seeds.json: what the tutorial's program does in real PyTorch after torch.manual_seed(seed).

The Go test seed_test.go trains the same models with the same seeds: initial weights and orders must be equal bit for
bit, and in float64 the losses and the images got right, for as long as rounding errors stay small.

    python seeds.py > seeds.json

Takes some minutes. Needs Python 3.11 with torch==2.6.0 and numpy==2.4.6; seeds.json was written with these. The images
are those of ../mnist.

In float64 as in float32 PyTorch draws the weights as float32; model.double() widens them after that. Pixels are divided
by 255 in the precision of the run.
"""

import gzip
import hashlib
import json
import os

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

TRAIN, BATCH = 2000, 64
# A relative difference between PyTorch's own float32 and float64 losses that counts as amplified rounding: 50 times the
# rounding of one float32, 2^-24.
AMPLIFIED = 3e-6

MODELS = {
    "MLP(30)": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10)),
    "CNN": lambda: nn.Sequential(
        conv(1, 4), nn.ReLU(), nn.MaxPool2d(2),
        conv(4, 8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 10)),
    "MLPBN(30) after ReLU": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 30), nn.ReLU(), nn.BatchNorm1d(30), nn.Linear(30, 10)),
    "MLPBN(30) before ReLU": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 30), nn.BatchNorm1d(30), nn.ReLU(), nn.Linear(30, 10)),
    "CNNBN": lambda: nn.Sequential(
        conv(1, 4), nn.ReLU(), nn.BatchNorm2d(4), nn.MaxPool2d(2),
        conv(4, 8), nn.ReLU(), nn.BatchNorm2d(8), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(392, 10)),
    "five layers": lambda: nn.Sequential(
        conv(1, 3), nn.ReLU(), nn.MaxPool2d(2), conv(3, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(245, 20), nn.ReLU(), nn.Linear(20, 12), nn.ReLU(), nn.Linear(12, 10)),
}

OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "SGD momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.005),
}

WEIGHT_SEEDS = (0, 1, 2, 3, 4, 7, 2**32 - 1)

# model, optimizer, seed, shuffle, epochs
RUNS = [
    *((m, o, 7, True, 10 if (m, o) == ("MLP(30)", "SGD momentum") else 2)
      for m in MODELS if m != "five layers" for o in OPTIMIZERS),
    *((m, "SGD momentum", 1, False, 2) for m in MODELS if m != "five layers"),
    *(("MLP(30)", "SGD momentum", s, True, 3) for s in range(5)),
    *(("CNN", "SGD", s, True, 2) for s in range(5)),
    ("five layers", "Adam", 4, True, 2),
]


def conv(channels_in, channels_out):
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1)


def read(name, header):
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "mnist")
    with gzip.open(os.path.join(folder, name)) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def sha256(arrays, dtype):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype).tobytes())
    return digest.hexdigest()


def initial(model_name, seed):
    """The digest of all parameters in the model's order, as little-endian float32, and the first values of each."""
    torch.manual_seed(seed)
    parameters = [p.detach().numpy().ravel() for p in MODELS[model_name]().parameters()]
    return {"model": model_name, "seed": seed, "sha256": sha256(parameters, "<f4"),
            "first": [p[:3].tolist() for p in parameters]}


def right(model, dataset):
    """How many images of the dataset the model gets right, as the tutorial's get_accuracy counts them."""
    model.eval()
    count = 0
    with torch.no_grad():
        for images, labels, _ in DataLoader(dataset, batch_size=4096):
            count += (model(images).argmax(1) == labels).sum().item()  # of equal logits the first counts
    return count


def run(model_name, optimizer_name, seed, shuffle, epochs, train, validation, dtype):
    """The tutorial's training loop. The images' numbers travel with them, to tell the orders."""
    torch.manual_seed(seed)
    model = MODELS[model_name]().to(dtype)
    loader = DataLoader(train, batch_size=BATCH, shuffle=shuffle)
    optimizer = OPTIMIZERS[optimizer_name](model.parameters())
    result = {"loss": [], "train": [], "validation": [], "orders": []}
    for _ in range(epochs):
        order = []
        for images, labels, numbers in loader:
            order += numbers.tolist()
            if len(labels) < BATCH:
                continue
            model.train()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            result["loss"].append(loss.item())
            result["train"].append(right(model, train))
            result["validation"].append(right(model, validation))
        result["orders"].append(sha256([order], "<i4"))
    return result


def agreement(exact, rounded):
    """For how many iterations float32's loss stays near float64's."""
    for i, (e, r) in enumerate(zip(exact["loss"], rounded["loss"])):
        if not abs(r - e) <= AMPLIFIED * abs(e):
            return i
    return len(exact["loss"])


def main():
    torch.set_num_threads(1)
    pixels = torch.tensor(read("first2500-images-idx3-ubyte.gz", 16)).reshape(-1, 1, 28, 28)
    labels = read("first2500-labels-idx1-ubyte.gz", 8).tolist()
    runs = []
    for settings in RUNS:
        results = {}
        for dtype in (torch.float64, torch.float32):
            images = list(zip(pixels.to(dtype) / 255, labels, range(len(labels))))
            results[dtype] = run(*settings, images[:TRAIN], images[TRAIN:], dtype)
        exact, rounded = results.values()
        assert exact["orders"] == rounded.pop("orders")
        orders = exact.pop("orders")
        rounded["loss"] = [float(f"{x:.9g}") for x in rounded["loss"]]  # float32 to the last bit
        keys = ("model", "optimizer", "seed", "shuffle", "epochs")
        runs.append(dict(zip(keys, settings)) | {
            "orders": orders, "agree": agreement(exact, rounded), "float64": exact, "float32": rounded})
    weights = [initial(m, s) for m in MODELS for s in WEIGHT_SEEDS]
    # A run a line; floats as repr writes them, so that they read back exactly.
    print("{")
    print(f'"torch": {json.dumps(torch.__version__)},')
    for key, rows, end in (("weights", weights, ","), ("runs", runs, "")):
        print(f'"{key}": [')
        print(",\n".join(json.dumps(row, separators=(",", ":")) for row in rows))
        print(f"]{end}")
    print("}")


if __name__ == "__main__":
    main()
