"""The tutorial's training as its source writes it in PyTorch, with the lines that the text has lost.

    python pytorch_as_written.py "8 MLP(30)" FOLDER_OF_MNIST

The images are a list of pairs (tensor, label), as torchvision gives them, a DataLoader makes the
batches, and after every iteration get_accuracy goes through both lists with a DataLoader again.
"""

import time

import torch
from torch import nn, optim

from work import BATCH, measure


class MLP(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layer1 = nn.Linear(28 * 28, hidden)
        self.layer2 = nn.Linear(hidden, 10)

    def forward(self, images):
        return self.layer2(torch.relu(self.layer1(images.view(-1, 28 * 28))))


class MLPBN(nn.Module):
    def __init__(self, hidden, before_relu):
        super().__init__()
        self.layer1 = nn.Linear(28 * 28, hidden)
        self.bn = nn.BatchNorm1d(hidden)
        self.layer2 = nn.Linear(hidden, 10)
        self.before_relu = before_relu

    def forward(self, images):
        x = self.layer1(images.view(-1, 28 * 28))
        x = torch.relu(self.bn(x)) if self.before_relu else self.bn(torch.relu(x))
        return self.layer2(x)


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc = nn.Linear(8 * 7 * 7, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc(x.view(-1, 8 * 7 * 7))


class CNNBN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(8)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc = nn.Linear(8 * 7 * 7, 10)

    def forward(self, x):
        x = self.pool(self.bn1(torch.relu(self.conv1(x))))
        x = self.pool(self.bn2(torch.relu(self.conv2(x))))
        return self.fc(x.view(-1, 8 * 7 * 7))


def new_model(work):
    model = {
        "MLP": lambda: MLP(work.hidden),
        "MLPBN": lambda: MLPBN(work.hidden, work.before_relu),
        "CNN": CNN,
        "CNNBN": CNNBN,
    }[work.model]()
    if work.zero:
        for parameter in model.parameters():
            nn.init.zeros_(parameter)
    return model


def new_optimizer(work, model):
    if work.optimizer == "SGD":
        return optim.SGD(model.parameters(), lr=work.lr, momentum=work.momentum)
    return optim.Adam(model.parameters(), lr=work.lr)


def get_accuracy(model, images):
    model.eval()
    correct = total = 0
    for batch, labels in torch.utils.data.DataLoader(images, batch_size=64):
        output = model(batch)
        prediction = output.max(1, keepdim=True)[1]
        correct += prediction.eq(labels.view_as(prediction)).sum().item()
        total += batch.shape[0]
    return correct / total


def train(work, training, validation):
    model = new_model(work)
    optimizer = new_optimizer(work, model)
    criterion = nn.CrossEntropyLoss()
    loader = torch.utils.data.DataLoader(training, batch_size=BATCH, shuffle=work.shuffle)
    losses, train_accuracy, validation_accuracy = [], [], []
    for _ in range(work.epochs):
        for images, labels in loader:
            if images.size()[0] < BATCH:
                continue
            model.train()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(loss))
            train_accuracy.append(get_accuracy(model, training))
            validation_accuracy.append(get_accuracy(model, validation))
    return train_accuracy, validation_accuracy


def as_written(work, pixels, labels):
    begin = time.perf_counter()
    images = torch.tensor(pixels).reshape(-1, 1, 28, 28).float() / 255
    pairs = list(zip(images, labels.tolist()))
    prepare_seconds = time.perf_counter() - begin
    runs = [train(work, pairs[:2000], pairs[2000:]) for _ in range(work.seeds)]
    return [r[0] for r in runs], [r[1] for r in runs], prepare_seconds, 0.0


if __name__ == "__main__":
    measure(as_written)
