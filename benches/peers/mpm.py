"""Prints how fast Taichi's CPU backend moves an elastic block and its gradient, to stand beside costate's own figures.

    pip install taichi==1.7.4 numpy
    python benches/peers/mpm.py --threads 1 --ours "COMMAND that prints {"forward": ms, "backward": ms} for the same block"

The same algorithm on both sides: MLS-MPM with affine velocities and quadratic B-splines, fixed corotated elasticity, 6,400
particles on a 120 x 120 grid, slip walls; particle states are remembered, grids are computed again in the backward pass.
Taichi computes in 32-bit numbers with its own reverse mode, costate in 64-bit ones. Both take turns; each figure is the
lowest of all rounds, because what disturbs a measurement only adds.
"""

import argparse
import json
import shlex
import subprocess
import time

import taichi as ti

SIDE, CELLS, STEPS, ROUNDS = 80, 120, 64, 5
COUNT, DX, DT = SIDE * SIDE, 1 / CELLS, 3e-4


def vectors(shape):
    return ti.Vector.field(2, ti.f32, shape=shape, needs_grad=True)


def matrices(shape):
    return ti.Matrix.field(2, 2, ti.f32, shape=shape, needs_grad=True)


@ti.data_oriented
class Block:
    """An elastic block over all steps."""

    def __init__(self):
        self.x, self.v = vectors((STEPS + 1, COUNT)), vectors((STEPS + 1, COUNT))
        self.c, self.f = matrices((STEPS + 1, COUNT)), matrices((STEPS + 1, COUNT))
        self.momentum, self.velocity = vectors((CELLS, CELLS)), vectors((CELLS, CELLS))
        self.mass = ti.field(ti.f32, shape=(CELLS, CELLS), needs_grad=True)
        self.place()

    @ti.kernel
    def place(self):
        for p in range(COUNT):
            self.x[0, p] = DX * ti.Vector([10 + 0.5 * (p // SIDE), 25 + 0.5 * (p % SIDE)])
            self.f[0, p] = ti.Matrix.identity(ti.f32, 2)

    @ti.kernel
    def clear(self):
        for i, j in self.mass:
            self.mass[i, j] = 0.0
            self.momentum[i, j] = ti.Vector([0.0, 0.0])
            self.mass.grad[i, j] = 0.0
            self.momentum.grad[i, j] = ti.Vector([0.0, 0.0])
            self.velocity.grad[i, j] = ti.Vector([0.0, 0.0])

    @ti.kernel
    def give(self, s: ti.i32):
        for p in range(COUNT):
            cells = self.x[s, p] / DX
            first = ti.cast(cells - 0.5, ti.i32)
            offset = cells - ti.cast(first, ti.f32)
            w = [0.5 * (1.5 - offset) ** 2, 0.75 - (offset - 1.0) ** 2, 0.5 * (offset - 0.5) ** 2]
            f = (ti.Matrix.identity(ti.f32, 2) + DT * self.c[s, p]) @ self.f[s, p]
            self.f[s + 1, p] = f
            volume = f.determinant()
            rotation, _ = ti.polar_decompose(f)
            pressure = 100.0 * (volume - 1.0) * volume
            stress = 200.0 * (f - rotation) @ f.transpose() + pressure * ti.Matrix.identity(ti.f32, 2)
            affine = self.c[s, p] - (DT * 4.0 / DX**2) * stress
            for i in ti.static(range(3)):
                for j in ti.static(range(3)):
                    arm = (ti.Vector([float(i), float(j)]) - offset) * DX
                    weight = w[i][0] * w[j][1]
                    self.momentum[first + ti.Vector([i, j])] += weight * (self.v[s, p] + affine @ arm)
                    self.mass[first + ti.Vector([i, j])] += weight

    @ti.kernel
    def nodes(self):
        for i, j in self.mass:
            v = self.momentum[i, j] / (self.mass[i, j] + 1e-10)
            v[1] -= DT * 9.8
            if i < 3 and v[0] < 0 or i > CELLS - 3 and v[0] > 0:
                v[0] = 0.0
            if j < 3 and v[1] < 0 or j > CELLS - 3 and v[1] > 0:
                v[1] = 0.0
            self.velocity[i, j] = v

    @ti.kernel
    def take(self, s: ti.i32):
        for p in range(COUNT):
            cells = self.x[s, p] / DX
            first = ti.cast(cells - 0.5, ti.i32)
            offset = cells - ti.cast(first, ti.f32)
            w = [0.5 * (1.5 - offset) ** 2, 0.75 - (offset - 1.0) ** 2, 0.5 * (offset - 0.5) ** 2]
            v, c = ti.Vector([0.0, 0.0]), ti.Matrix.zero(ti.f32, 2, 2)
            for i in ti.static(range(3)):
                for j in ti.static(range(3)):
                    arm = ti.Vector([float(i), float(j)]) - offset
                    part = w[i][0] * w[j][1] * self.velocity[first + ti.Vector([i, j])]
                    v += part
                    c += (4.0 / DX) * part.outer_product(arm)
            self.v[s + 1, p] = v
            self.x[s + 1, p] = self.x[s, p] + DT * v
            self.c[s + 1, p] = c

    @ti.kernel
    def wish(self):
        """The cotangent of the mean height at the end."""
        for s, p in ti.ndrange(STEPS + 1, COUNT):
            self.x.grad[s, p] = ti.Vector([0.0, 1.0 / COUNT if s == STEPS else 0.0])
            self.v.grad[s, p] = ti.Vector([0.0, 0.0])
            self.c.grad[s, p] = ti.Matrix.zero(ti.f32, 2, 2)
            self.f.grad[s, p] = ti.Matrix.zero(ti.f32, 2, 2)

    def forward(self):
        for s in range(STEPS):
            self.clear()
            self.give(s)
            self.nodes()
            self.take(s)

    def backward(self):
        for s in reversed(range(STEPS)):
            self.clear()
            self.give(s)
            self.nodes()
            self.take.grad(s)
            self.nodes.grad()
            self.give.grad(s)


def milliseconds(work):
    start = time.perf_counter()
    work()
    ti.sync()
    return (time.perf_counter() - start) * 1e3 / STEPS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", help="prints our times as JSON")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    ti.init(arch=ti.cpu, cpu_max_num_threads=options.threads, default_fp=ti.f32)
    block, best = Block(), {}
    for _ in range(ROUNDS + 1):
        forward = milliseconds(block.forward)
        block.wish()
        figures = [("theirs", {"forward": forward, "backward": milliseconds(block.backward)})]
        if options.ours:
            command = shlex.split(options.ours)
            figures.append(("ours", json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)))
        for who, times in figures:
            for what in ["forward", "backward"]:
                best[who, what] = min(times[what], best.get((who, what), times[what]))
    print(f"Taichi {ti.__version__}, {COUNT} particles, {CELLS} x {CELLS} cells, {options.threads} thread(s) [ms per substep]")
    for what in ["forward", "backward"]:
        theirs, ours = best["theirs", what], best.get(("ours", what))
        beside = f" costate {ours:8.3f} ratio {theirs / ours:6.2f}" if ours else ""
        print(f"{what:10} Taichi {theirs:8.3f}{beside}")
    height = sum(block.v.grad[0, p][1] for p in range(0, COUNT, 640)) / 10
    print(f"mean slope of the height by a particle's velocity, ten particles: {height:.6e}")


if __name__ == "__main__":
    main()
