"""Writes weights.safetensors, a file for weights_test.go, with real PyTorch: python weights.py

It has PyTorch's names, layouts and types for each kind of layer of the tutorial, in float32 and in
float64, and numbers that a careless reader spoils. Run with torch 2.6.0 and safetensors 0.8.0.
"""
import pathlib

import torch
from safetensors.torch import save_file


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 2, kernel_size=3, padding=1)
        self.bn1 = torch.nn.BatchNorm2d(2)
        self.fc = torch.nn.Linear(3, 2)


net = Net()
wide = Net().double()
for model in net, wide:
    for k, value in enumerate(model.state_dict().values()):
        if value.is_floating_point():  # element i of array k is (i + 10k)/8, exact in every type
            value.copy_(((torch.arange(value.numel()) + 10 * k) / 8).reshape(value.shape))
        else:
            value.fill_(3)

arrays = dict(net.state_dict())
arrays.update({"wide." + name: value for name, value in wide.state_dict().items()})
arrays["special"] = torch.tensor([-0.0, float("inf"), float("-inf"), float("nan"), 2.0**-149, 3.4028234663852886e38, 0.1])
arrays["special64"] = torch.tensor([5e-324, 1.7976931348623157e308, 0.1], dtype=torch.float64)
arrays["integers"] = torch.tensor([-1, 0, 2**53 - 1, 1 - 2**53])
arrays["empty"] = torch.zeros(0, 4)
save_file({name: value.contiguous() for name, value in arrays.items()}, pathlib.Path(__file__).with_name("weights.safetensors"))
