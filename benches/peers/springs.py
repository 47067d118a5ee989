"""Times an iteration of the mass-spring robots of costate against Taichi, with one thread each.

    pip install taichi==1.7.4 numpy
    python benches/peers/springs.py --costate target/release/costate

The Taichi program below does what the scenes do, in the form that DiffTaichi (Hu and others 2020) gave such programs: a
kernel for each part of a step, and a tape that runs their derivatives backwards. It reads the shape of the robots from
the scenes. An iteration is a rollout with the network, its gradient, and a step of the weights; compiling is not counted.
Most of Taichi's time goes into starting kernels, five for a step. Taichi computes in single, costate in double precision.
Both run on one processor in turns, and the shortest and the middle iteration of each are printed, with the final position
of the first point of a rollout without control in both, which must agree: the worlds are the same.
"""

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
import tomllib

import numpy as np
import taichi as ti

ROOT = pathlib.Path(__file__).resolve().parents[2]
HIDDEN, CLOCKS, RATE = 32, 10, 0.2
FLOOR = 0.1


class Robot:
    """A robot of a scene, with a network of its own and everything that a gradient needs."""

    def __init__(self, path, seed):
        scene = tomllib.loads(path.read_text())
        body = scene["points"][0]
        self.steps = scene["steps"]
        self.dt = scene["world"]["timestep"]
        self.gravity = scene["world"]["gravity"][1]
        self.keep = float(np.exp(-scene["particles"]["drag"] * self.dt))
        self.start = np.array(body["positions"], dtype=np.float32)
        ends = np.array(body["springs"], dtype=np.int32)
        self.points, self.springs = len(self.start), len(ends)
        driven = np.zeros(self.springs, dtype=np.float32)
        driven[body["actuated"]] = body["actuation"]
        self.stiffness = float(body["stiffness"])
        self.inputs = CLOCKS + 4 * self.points + 2

        real = lambda *shape: ti.field(ti.f32, shape, needs_grad=True)
        plane = lambda *shape: ti.Vector.field(2, ti.f32, shape, needs_grad=True)
        n = self.steps
        self.x, self.v, self.kick = plane(n, self.points), plane(n, self.points), plane(n, self.points)
        self.center = plane(n)
        self.hidden, self.signal = real(n, HIDDEN), real(n, self.springs)
        self.loss = real()
        self.w1, self.b1 = real(HIDDEN, self.inputs), real(HIDDEN)
        self.w2, self.b2 = real(self.springs, HIDDEN), real(self.springs)
        self.ends = ti.Vector.field(2, ti.i32, self.springs)
        self.rest, self.driven = ti.field(ti.f32, self.springs), ti.field(ti.f32, self.springs)
        self.square = ti.field(ti.f32, ())
        self.ends.from_numpy(ends)
        self.rest.from_numpy(np.linalg.norm(self.start[ends[:, 0]] - self.start[ends[:, 1]], axis=1))
        self.driven.from_numpy(driven)
        places = np.zeros((n, self.points, 2), dtype=np.float32)
        places[0] = self.start
        self.x.from_numpy(places)
        random = np.random.default_rng(seed)
        normal = lambda shape, scale: (scale * random.standard_normal(shape)).astype(np.float32)
        self.w1.from_numpy(normal((HIDDEN, self.inputs), 2 * np.sqrt(2 / (HIDDEN + self.inputs))))
        self.w2.from_numpy(normal((self.springs, HIDDEN), 3 * np.sqrt(2 / (HIDDEN + self.springs))))
        self.make_kernels()

    def make_kernels(self):
        x, v, kick, center = self.x, self.v, self.kick, self.center
        hidden, signal, loss = self.hidden, self.signal, self.loss
        w1, b1, w2, b2 = self.w1, self.b1, self.w2, self.b2
        ends, rest, driven, square = self.ends, self.rest, self.driven, self.square
        points, springs, steps = self.points, self.springs, self.steps
        dt, keep, stiffness, gravity = self.dt, self.keep, self.stiffness, self.gravity

        @ti.kernel
        def clear():
            for I in ti.grouped(kick):
                kick[I] = ti.Vector([0.0, 0.0])
            for t in range(steps):
                center[t] = ti.Vector([0.0, 0.0])
            loss[None] = 0.0

        @ti.kernel
        def middle(t: ti.i32):
            for p in range(points):
                center[t] += x[t, p] / points

        @ti.kernel
        def first_layer(t: ti.i32):
            for h in range(HIDDEN):
                sum = b1[h]
                for j in ti.static(range(CLOCKS)):
                    sum += w1[h, j] * ti.sin(10.0 * dt * t + 6.2831853 / CLOCKS * j)
                for p in ti.static(range(points)):
                    away = x[t, p] - center[t]
                    sum += w1[h, CLOCKS + 4 * p] * away[0] * 0.05
                    sum += w1[h, CLOCKS + 4 * p + 1] * away[1] * 0.05
                    sum += w1[h, CLOCKS + 4 * p + 2] * v[t, p][0] * 0.05
                    sum += w1[h, CLOCKS + 4 * p + 3] * v[t, p][1] * 0.05
                sum += w1[h, CLOCKS + 4 * points] * (0.9 - center[t][0])
                sum += w1[h, CLOCKS + 4 * points + 1] * (0.2 - center[t][1])
                hidden[t, h] = ti.tanh(sum)

        @ti.kernel
        def second_layer(t: ti.i32):
            for s in range(springs):
                sum = b2[s]
                for h in ti.static(range(HIDDEN)):
                    sum += w2[s, h] * hidden[t, h]
                signal[t, s] = ti.tanh(sum)

        @ti.kernel
        def pull(t: ti.i32):
            for s in range(springs):
                a, b = ends[s][0], ends[s][1]
                d = x[t, a] - x[t, b]
                length = d.norm() + 1e-4
                wanted = rest[s] * (1.0 + driven[s] * signal[t, s])
                impulse = dt * stiffness * (length - wanted) / length * d
                kick[t + 1, a] -= impulse
                kick[t + 1, b] += impulse

        @ti.kernel
        def move(t: ti.i32):
            for p in range(points):
                old = keep * v[t - 1, p] + dt * ti.Vector([0.0, gravity]) + kick[t, p]
                at = x[t - 1, p]
                new, impact = old, 0.0
                if (at + dt * old)[1] < FLOOR and old[1] < -1e-4:
                    impact = (FLOOR - at[1]) / old[1]
                    new = ti.Vector([0.0, 0.0])
                v[t, p] = new
                x[t, p] = at + impact * old + (dt - impact) * new

        @ti.kernel
        def judge():
            loss[None] = -x[steps - 1, 0][0]

        @ti.kernel
        def measure():
            square[None] = 0.0
            for I in ti.grouped(w1):
                square[None] += w1.grad[I] ** 2
            for I in ti.grouped(w2):
                square[None] += w2.grad[I] ** 2
            for I in ti.grouped(b1):
                square[None] += b1.grad[I] ** 2
            for I in ti.grouped(b2):
                square[None] += b2.grad[I] ** 2

        @ti.kernel
        def learn():
            share = RATE / (ti.sqrt(square[None]) + 1e-6)
            for I in ti.grouped(w1):
                w1[I] -= share * w1.grad[I]
            for I in ti.grouped(w2):
                w2[I] -= share * w2.grad[I]
            for I in ti.grouped(b1):
                b1[I] -= share * b1.grad[I]
            for I in ti.grouped(b2):
                b2[I] -= share * b2.grad[I]

        self.clear, self.middle, self.judge, self.measure, self.learn = clear, middle, judge, measure, learn
        self.first_layer, self.second_layer, self.pull, self.move = first_layer, second_layer, pull, move

    def forward(self):
        for t in range(1, self.steps):
            self.middle(t - 1)
            self.first_layer(t - 1)
            self.second_layer(t - 1)
            self.pull(t - 1)
            self.move(t)
        self.judge()

    def iteration(self):
        self.clear()
        with ti.ad.Tape(self.loss):
            self.forward()
        self.measure()
        self.learn()
        return self.loss[None]

    def at_rest(self):
        """Where the first point ends if the network says nothing."""
        kept = [(f, f.to_numpy()) for f in (self.w2, self.b2)]
        for field, _ in kept:
            field.fill(0.0)
        self.clear()
        self.forward()
        for field, numbers in kept:
            field.from_numpy(numbers)
        return self.x.to_numpy()[-1, 0]


def costate_times(binary, scene, iterations):
    """Seconds of each iteration, as the run's metrics say."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        command = [binary, "optimize", scene, "--iterations", str(iterations), "--out", out, "--no-animation", "--json"]
        summary = subprocess.run(command, check=False, capture_output=True, text=True)
        json.loads(summary.stdout)
        rows = list(csv.DictReader((out / "metrics.csv").open()))
    at = [float(row["seconds"]) for row in rows]
    return [b - a for a, b in zip(at, at[1:])]


def costate_at_rest(binary, scene):
    text = scene.read_text()
    text = text[: text.index("[[controller]]")] + text[text.index("[[cost]]") : text.index("[[optimize]]")]
    with tempfile.TemporaryDirectory() as folder:
        passive = pathlib.Path(folder) / scene.name
        passive.write_text(text + '[[optimize]]\nwhat = "controls"\n')
        out = pathlib.Path(folder) / "out"
        command = [binary, "optimize", passive, "--iterations", "0", "--out", out, "--no-animation", "--json"]
        summary = subprocess.run(command, check=False, capture_output=True, text=True)
        return -json.loads(summary.stdout)["cost_first"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--costate", default="target/release/costate")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--robots", default="abcd")
    given = arguments.parse_args()
    binary = str(pathlib.Path(given.costate).resolve())
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print("robot  points  springs  Taichi ms (least, middle)  costate ms (least, middle)  ratio (least, middle)  "
          "at rest: Taichi, costate")
    for name in given.robots:
        scene = ROOT / f"scenes/spring_robot_{name}.toml"
        ti.init(arch=ti.cpu, cpu_max_num_threads=1, default_fp=ti.f32, log_level=ti.ERROR)
        robot = Robot(scene, 0)
        rest = robot.at_rest()[0], costate_at_rest(binary, scene)
        robot.iteration()
        theirs, ours = [], []
        for _ in range(given.rounds):
            for _ in range(4):
                begin = time.perf_counter()
                robot.iteration()
                theirs.append(time.perf_counter() - begin)
            ours += costate_times(binary, scene, 30)
        pairs = [(1e3 * min(all), 1e3 * statistics.median(all)) for all in (theirs, ours)]
        (a, b), (c, d) = pairs
        print(f"{name}  {robot.points}  {robot.springs}  {a:.1f}, {b:.1f}  {c:.2f}, {d:.2f}  {a / c:.1f}, {b / d:.1f}  "
              f"{rest[0]:.4f}, {rest[1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
