"""The PyTorch side of an exchange of models; see main.go for the whole of it.

Needs: pip install torch safetensors numpy
Usage: python exchange.py FOLDER [SEED]
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from original import CNN, train

folder = Path(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
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

# And a whole run of the tutorial, from the seed on, which Go repeats.
history = train("MLP(30)", seed, torch.float32)
(folder / "run.json").write_text(json.dumps(history | {"format": "mnistlib history", "version": 1}))
