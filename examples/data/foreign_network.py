"""Trains a small PyTorch network to balance the pole of scenes/models/cartpole.xml, and stores it with recorded outputs.

    pip install torch numpy safetensors
    python examples/data/foreign_network.py

The network imitates a linear quadratic regulator of the cart and pole, whose force is cut to 10 N, in random states. Beside
this script it leaves foreign_network.safetensors, the state dict of a Sequential as PyTorch names it, in 32-bit numbers, and
foreign_network.json: 64 inputs, and the outputs of the same network evaluated with 64-bit numbers.
"""

import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent


def regulator():
    """Gains of the optimal linear law u = -K (x, pole, velocities), by iterating the Riccati equation to its end."""
    cart, pole, half, g, dt = 1.1, 0.24, 0.325, 9.81, 0.01
    inertia = pole * half**2 * 4 / 3
    mass = np.array([[cart + pole, pole * half], [pole * half, inertia]])
    pull = np.array([[0.0, 0.0], [0.0, pole * g * half]])
    a = np.eye(4)
    a[:2, 2:] = dt * np.eye(2)
    a[2:, :2] = dt * np.linalg.solve(mass, pull)
    b = np.concatenate([np.zeros(2), dt * np.linalg.solve(mass, [1.0, 0.0])])[:, None]
    q, r = np.diag([1.0, 3.0, 0.1, 0.1]), 0.02 * np.eye(1)
    p = q
    for _ in range(5000):
        k = np.linalg.solve(r + b.T @ p @ b, b.T @ p @ a)
        p = q + a.T @ p @ (a - b @ k)
    return torch.tensor(k[0], dtype=torch.float32)


def seen(x):
    """What the network sees: cart, sine and cosine of the pole, both velocities."""
    return torch.stack([x[:, 0], x[:, 1].sin(), x[:, 1].cos(), x[:, 2], x[:, 3]], 1)


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    nn = torch.nn
    net = nn.Sequential(
        nn.Linear(5, 32), nn.LayerNorm(32), nn.SiLU(), nn.Linear(32, 16), nn.LayerNorm(16), nn.SiLU(), nn.Linear(16, 1)
    )
    gains, half = regulator(), torch.tensor([1.5, 0.6, 2.0, 4.0])
    steps = 4000
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        x = half * (2 * torch.rand(256, 4) - 1) ** 3
        error = net(seen(x))[:, 0] - (-x @ gains).clamp(-10, 10)
        loss = error.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 500 == 0:
            print(step, loss.item())
    save_file(net.state_dict(), HERE / "foreign_network.safetensors")
    inputs = seen(half * (2 * torch.rand(64, 4) - 1)).double()
    with torch.no_grad():
        outputs = net.double()(inputs)
    recorded = {"torch": torch.__version__, "inputs": inputs.tolist(), "outputs": outputs.tolist()}
    (HERE / "foreign_network.json").write_text(json.dumps(recorded) + "\n")


if __name__ == "__main__":
    main()
