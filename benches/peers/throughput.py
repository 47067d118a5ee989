"""Prints how many steps of many worlds costate and MuJoCo do in a second, constraints on.

    pip install mujoco==4.0.0 numpy
    python benches/peers/throughput.py --costate target/release/costate [--worlds 256] [--threads 2] [--single] [MODEL …]

Both programs roll the same model out from the start with random controls, the same numbers of worlds, steps and threads;
runs alternate and the medians are compared. Four ratios: forward against `mujoco.rollout`; value and exact gradient (by
start, every control, every number of the file) against MuJoCo's *forward* steps, of which a gradient by one-sided
differences takes one rollout for each number; and all worlds against one alone on one thread, forward and with gradient.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import time

import mujoco
import numpy as np
from mujoco import rollout

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ["hopper", "cheetah", "quadruped", "humanoid"]


def peer(m, worlds, steps, threads):
    """Steps per second of all worlds together."""
    kind = mujoco.mjtState.mjSTATE_FULLPHYSICS
    d = mujoco.MjData(m)
    start = np.zeros(mujoco.mj_stateSize(m, kind))
    mujoco.mj_getState(m, d, start, kind)
    low, high = (m.actuator_ctrlrange.T if m.nu else (np.zeros(0), np.zeros(0)))
    limited = m.actuator_ctrllimited.astype(bool)
    low, high = np.where(limited, low, -1.0), np.where(limited, high, 1.0)
    control = np.random.default_rng(0).uniform(low, high, (worlds, steps, m.nu))
    data = [mujoco.MjData(m) for _ in range(max(threads, 1))]
    with rollout.Rollout(nthread=threads if threads > 1 else 0) as runner:
        began = time.perf_counter()
        runner.rollout(m, data, np.tile(start, (worlds, 1)), control)
        return worlds * steps / (time.perf_counter() - began)


def ours(costate, path, worlds, steps, threads, more):
    command = [costate, "profile", path, "--json", "--steps", steps, "--worlds", worlds, "--threads", threads, *more]
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"costate profile failed ({done.returncode}): {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costate", required=True, help="path of the built binary")
    parser.add_argument("--worlds", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--single", action="store_true", help="costate in single precision, sixteen worlds to a register")
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    a = parser.parse_args()
    paths = a.models or [ROOT / f"scenes/models/{name}.xml" for name in MODELS]
    print(f"{a.worlds} worlds, {a.steps} steps, {a.threads} threads, medians of {a.runs} alternating runs")
    print(f"{'model':16} {'mujoco':>11} {'costate':>11} {'gradient':>11}  steps per second; ratios: "
          "forward, gradient / forward of mujoco, lanes forward, lanes gradient")
    for path in paths:
        m = mujoco.MjModel.from_xml_path(str(path))
        theirs, own = [], []
        peer(m, 8, a.steps, a.threads)
        for _ in range(a.runs):
            theirs.append(peer(m, a.worlds, a.steps, a.threads))
            own.append(ours(a.costate, path, a.worlds, a.steps, a.threads, ["--single"] if a.single else []))
        middle = lambda field: statistics.median(o[field] for o in own)
        rate = statistics.median(theirs)
        forward, gradient = middle("forward_steps_per_second"), middle("gradient_steps_per_second")
        lanes = forward * middle("single_forward_us_per_step") / 1e6
        lanes_gradient = gradient * middle("single_gradient_us_per_step") / 1e6
        print(f"{path.stem:16} {rate:11.0f} {forward:11.0f} {gradient:11.0f}  {forward / rate:.2f}, {gradient / rate:.2f}, "
              f"{lanes:.2f}, {lanes_gradient:.2f}")


if __name__ == "__main__":
    main()
