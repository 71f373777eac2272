"""The tutorial's original program in PyTorch, and what it gives after torch.manual_seed.

    python original.py > runs/runs.json

Needs: pip install torch==2.6.0 numpy. It takes some minutes, and writes a run a line, with the keys of a saved
History: the tutorial's trainings with the seeds 0 to 4, and five models with the seed 7, in float32 and in float64.
"""

import gzip
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader

BATCH = 64


class MLP(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layer1 = nn.Linear(28 * 28, hidden)
        self.layer2 = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.layer2(torch.relu(self.layer1(x.flatten(1))))


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3, padding=1)
        self.fc = nn.Linear(8 * 7 * 7, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc(x.flatten(1))


class MLPBN(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layer1 = nn.Linear(28 * 28, hidden)
        self.bn = nn.BatchNorm1d(hidden)
        self.layer2 = nn.Linear(hidden, 10)

    def forward(self, x):
        return self.layer2(self.bn(torch.relu(self.layer1(x.flatten(1)))))


class MLPBNBeforeReLU(MLPBN):
    def forward(self, x):
        return self.layer2(torch.relu(self.bn(self.layer1(x.flatten(1)))))


class CNNBN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8 * 7 * 7, 10)

    def forward(self, x):
        x = self.pool(self.bn1(torch.relu(self.conv1(x))))
        x = self.pool(self.bn2(torch.relu(self.conv2(x))))
        return self.fc(x.flatten(1))


def zero(model):
    for p in model.parameters():
        nn.init.zeros_(p)
    return model


def sgd(lr, momentum=0.0):
    return lambda parameters: optim.SGD(parameters, lr=lr, momentum=momentum)


def adam(lr):
    return lambda parameters: optim.Adam(parameters, lr=lr)


# The tutorial's trainings: name, model, optimizer, epochs, shuffled.
TRAININGS = [
    ("MLP(50)", lambda: MLP(50), sgd(0.1, 0.9), 10, True),
    ("MLP(100)", lambda: MLP(100), sgd(0.1, 0.9), 10, True),
    ("MLP(30)", lambda: MLP(30), sgd(0.1, 0.9), 10, True),
    ("MLP(30), not shuffled", lambda: MLP(30), sgd(0.1, 0.9), 10, False),
    ("CNN", CNN, sgd(0.1), 5, True),
    ("MLP(30), no momentum", lambda: MLP(30), sgd(0.1), 3, True),
    ("MLP(30), momentum", lambda: MLP(30), sgd(0.05, 0.9), 3, True),
    ("MLP(30), Adam", lambda: MLP(30), adam(0.005), 3, True),
    ("CNN, Adam", CNN, adam(0.005), 3, True),
    ("CNN, momentum", CNN, sgd(0.1, 0.9), 3, True),
    ("MLP(30), batch norm after ReLU", lambda: MLPBN(30), adam(0.005), 3, True),
    ("MLP(30), batch norm before ReLU", lambda: MLPBNBeforeReLU(30), adam(0.005), 3, True),
    ("CNN, batch norm", CNNBN, adam(0.005), 3, True),
    ("MLP(30), all weights zero", lambda: zero(MLP(30)), adam(0.005), 3, True),
]
FIVE_MODELS = ["MLP(30)", "CNN", "MLP(30), batch norm after ReLU", "MLP(30), batch norm before ReLU", "CNN, batch norm"]


def mnist(dtype):
    """The first 2,500 training images: pairs of pixels, from 0 to 1, and a label."""
    folder = Path(__file__).resolve().parents[2] / "mnistlib" / "mnist"
    with gzip.open(folder / "first2500-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16)
    with gzip.open(folder / "first2500-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    images = torch.tensor(pixels).reshape(-1, 1, 28, 28).to(dtype) / 255
    return list(zip(images, labels.tolist()))


def get_accuracy(model, images):
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, labels in DataLoader(images, batch_size=BATCH):
            correct += (model(x).argmax(1) == labels).sum().item()
    return correct / len(images)


def skip_accuracy(images):
    iter(DataLoader(images, batch_size=BATCH))  # draws a number, as it does when get_accuracy begins


def train(name, seed, dtype, whole=True):
    """One run, as the original makes it; if not whole, the accuracies are measured after the last iteration only.

    The weights are drawn as float32, also if the run is then computed in float64.
    """
    _, new_model, new_optimizer, epochs, shuffle = next(t for t in TRAININGS if t[0] == name)
    images = mnist(dtype)
    training, validation = images[:2000], images[2000:]

    torch.manual_seed(seed)
    model = new_model().to(dtype)
    loader = DataLoader(training, batch_size=BATCH, shuffle=shuffle)
    optimizer = new_optimizer(model.parameters())
    iterations = epochs * (len(training) // BATCH)
    losses, evaluated, train_accuracy, validation_accuracy = [], [], [], []
    for _ in range(epochs):
        for x, labels in loader:
            if len(labels) < BATCH:
                continue
            model.train()
            loss = nn.functional.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            if whole or len(losses) == iterations:
                evaluated.append(len(losses))
                train_accuracy.append(get_accuracy(model, training))
                validation_accuracy.append(get_accuracy(model, validation))
            else:
                skip_accuracy(training)
                skip_accuracy(validation)
    return {
        "name": name, "seed": seed, "epochs": epochs, "float64": dtype == torch.float64,
        "backend": "PyTorch " + torch.__version__.split("+")[0], "loss": losses, "evaluated": evaluated,
        "train_accuracy": train_accuracy, "validation_accuracy": validation_accuracy,
    }


def rounded(run, digits):
    return run | {"loss": [float(f"{loss:.{digits}g}") for loss in run["loss"]]}


def main():
    torch.set_num_threads(1)
    runs = [
        rounded(train(t[0], seed, dtype, whole=False), 4)
        for dtype in (torch.float32, torch.float64) for t in TRAININGS for seed in range(5)
    ]
    runs += [rounded(train(name, 7, torch.float32), 9) for name in FIVE_MODELS]  # all digits that a float32 has
    runs += [train(name, 7, torch.float64) for name in FIVE_MODELS]
    print("[\n" + ",\n".join(json.dumps(run, separators=(",", ":")) for run in runs) + "\n]")


if __name__ == "__main__":
    main()
