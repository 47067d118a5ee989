"""Prints how fast costate evaluates and pulls back a network, against PyTorch.

    pip install torch numpy
    python benches/peers/network.py

Layers 128 -> 64 -> 32 with tanh between, a batch of 64, 64-bit numbers, one thread. Forward: costate always keeps what its
pullback needs, so PyTorch does once as well (with its graph) and once does not (inference). Pullback: cotangents of inputs
and of all parameters, for cotangents of the outputs. Both take turns; each figure is the lowest of all rounds, because
what disturbs a measurement only adds.
"""

import argparse
import json
import subprocess
import time

import torch

BATCH, ROUNDS = 64, 7


def fastest(work):
    """The lowest mean of many rounds [us]."""

    def round():
        start = time.perf_counter()
        for _ in range(200):
            work()
        return (time.perf_counter() - start) * 1e6 / 200

    return min(round() for _ in range(30))


def theirs(net, x, w):
    with torch.inference_mode():
        inference = fastest(lambda: net(x))
    forward = fastest(lambda: net(x))
    y, by = net(x), [x, *net.parameters()]
    pullback = fastest(lambda: torch.autograd.grad(y, by, w, retain_graph=True))
    return {"forward": forward, "inference": inference, "pullback": pullback}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default="cargo bench --quiet --bench network", help="prints our times as JSON")
    ours_command = parser.parse_args().ours.split()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    net = torch.nn.Sequential(torch.nn.Linear(128, 64), torch.nn.Tanh(), torch.nn.Linear(64, 32))
    x = torch.sin(0.7 * torch.arange(BATCH * 128)).reshape(BATCH, 128).requires_grad_()
    w = torch.ones(BATCH, 32)
    best = {}
    for _ in range(ROUNDS):
        ours = json.loads(subprocess.run(ours_command, capture_output=True, text=True, check=True).stdout)
        for who, times in [("ours", ours), ("theirs", theirs(net, x, w))]:
            for what, t in times.items():
                best[who, what] = min(t, best.get((who, what), t))
    print(f"PyTorch {torch.__version__}, layers 128-64-32, batch {BATCH}, f64, one thread")
    print(f"{'':24} {'costate':>10} {'PyTorch':>10} {'ratio':>7}")
    rows = [("forward", "forward"), ("forward, without graph", "inference"), ("pullback", "pullback")]
    for name, what in rows:
        own = best["ours", "pullback" if what == "pullback" else "forward"]
        other = best["theirs", what]
        print(f"{name:24} {own:7.1f} us {other:7.1f} us {own / other:7.2f}")


if __name__ == "__main__":
    main()
