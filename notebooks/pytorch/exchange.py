"""The PyTorch side of an exchange of models; see main.go for the whole of it.

Needs: pip install torch safetensors numpy
Usage: python exchange.py FOLDER
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(8 * 7 * 7, 10)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc(x.flatten(1))


folder = Path(sys.argv[1])
data = load_file(folder / "data.safetensors")  # images [500, 1, 28, 28], labels [500], probabilities [500, 10]
images, labels = data["images"], data["labels"].long()

# A model that Go trained: does PyTorch predict the same?
model = CNN()
model.load_state_dict(load_file(folder / "from_go.safetensors"))
with torch.no_grad():
    difference = (model(images).softmax(1) - data["probabilities"]).abs().max()
print(f"PyTorch's probabilities with Go's weights differ from Go's by at most {difference:.1e}.")

# And back: train here on these images, from PyTorch's own initial weights, and leave the result to Go.
model = CNN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for _ in range(50):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
with torch.no_grad():
    probabilities = model(images).softmax(1)
save_file(model.state_dict(), folder / "from_pytorch.safetensors")
save_file({"probabilities": probabilities}, folder / "answers.safetensors")
