"""What the Python programs share: the works of works.json, the images, and the line of results."""

import gzip
import json
import os
import sys
import time

import numpy as np

BATCH = 64


class Work:
    """One training run, as works.json names it; what is not named there has the tutorial's default."""

    def __init__(self, name):
        path = os.path.join(os.path.dirname(__file__), "works.json")
        with open(path, encoding="utf-8") as file:
            settings = {work["name"]: work for work in json.load(file)}[name]
        self.name = name
        self.model = settings["model"]
        self.hidden = settings.get("hidden", 0)
        self.before_relu = settings.get("before_relu", False)
        self.optimizer = settings["optimizer"]
        self.lr = settings["lr"]
        self.momentum = settings.get("momentum", 0)
        self.epochs = settings["epochs"]
        self.shuffle = not settings.get("no_shuffle", False)
        self.zero = settings.get("zero", False)  # start from weights of zero
        self.seeds = settings.get("seeds", 1)  # so many runs


def mnist(folder):
    """The first 2,500 training images: pixels [2500, 784] from 0 to 255, labels [2500]."""
    def read(name, header, size):
        with gzip.open(os.path.join(folder, name)) as file:
            return np.frombuffer(file.read(header + 2500 * size), np.uint8, offset=header)
    pixels = read("train-images-idx3-ubyte.gz", 16, 784).reshape(2500, 784)
    labels = read("train-labels-idx1-ubyte.gz", 8, 1)
    return pixels, labels


def measure(train):
    """Calls train(work, pixels, labels) for the work and the folder on the command line, prints a line.

    train returns the accuracies after every iteration, lists of one for each run, the seconds that it took
    to start the library and to move the images, and those that it spent compiling.
    """
    work = Work(sys.argv[1])
    pixels, labels = mnist(sys.argv[2])
    start = time.perf_counter()
    train_accuracies, validation_accuracies, prepare_seconds, compile_seconds = train(work, pixels, labels)
    seconds = time.perf_counter() - start
    print(json.dumps({
        "work": work.name,
        "seconds": seconds,
        "prepare_seconds": prepare_seconds,
        "compile_seconds": compile_seconds,
        "iterations": len(train_accuracies[0]),
        "train_accuracy": [float(a[-1]) for a in train_accuracies],
        "validation_accuracy": [float(a[-1]) for a in validation_accuracies],
    }))
