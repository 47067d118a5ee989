"""Prints how costate compares with MuJoCo: step time, linearization time, and a replay of an optimized motion.

    python benches/peers/figures.py --costate target/release/costate [--model FILE] [--runs 7]
    python benches/peers/figures.py --replay RUN_FOLDER [--replay-model scenes/models/cartpole.xml]

Needs mujoco==4.0.0 and numpy; no test needs this script. Runs of the two programs alternate and the medians are
compared: a ratio above 1 means that costate is faster. Constraints are off on both sides, one thread on both sides.
"""

import argparse
import csv
import json
import math
import pathlib
import statistics
import subprocess
import time

import mujoco
import numpy as np
from mujoco import rollout

ROOT = pathlib.Path(__file__).resolve().parents[2]


def unconstrained(path):
    m = mujoco.MjModel.from_xml_path(str(path))
    m.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_CONSTRAINT
    d = mujoco.MjData(m)
    if m.nkey:
        mujoco.mj_resetDataKeyframe(m, d, 0)
    return m, d


def peer_step(m, d, steps):
    """Microseconds per step of one long rollout on one thread."""
    kind = mujoco.mjtState.mjSTATE_FULLPHYSICS
    start = np.zeros(mujoco.mj_stateSize(m, kind))
    mujoco.mj_getState(m, d, start, kind)
    states = np.zeros((1, steps, start.size))
    work = mujoco.MjData(m)
    control = np.random.default_rng(0).uniform(-0.1, 0.1, (1, steps, m.nu))
    with rollout.Rollout(nthread=0) as runner:
        began = time.perf_counter()
        runner.rollout(m, work, start[None], control, state=states)
        took = time.perf_counter() - began
    if not np.isfinite(states).all() or any(w.number for w in work.warning):
        raise SystemExit("the peer's rollout diverged")
    return 1e6 * took / steps


def peer_linearize(m, d, centred):
    """Microseconds for A and B of one step by differences."""
    n = 2 * m.nv + m.na
    A, B = np.zeros((n, n)), np.zeros((n, m.nu))
    work = mujoco.MjData(m)
    mujoco.mj_copyData(work, m, d)
    repeats = 20
    began = time.perf_counter()
    for _ in range(repeats):
        mujoco.mjd_transitionFD(m, work, 1e-6, centred, A, B, None, None)
    return 1e6 * (time.perf_counter() - began) / repeats


def profile(costate, model, extra):
    done = subprocess.run([costate, "profile", str(model), "--json", *extra], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"costate profile failed ({done.returncode}): {done.stderr.strip()}")
    return json.loads(done.stdout)


def spread(times):
    return f"{statistics.median(times):10.2f} us  ({min(times):.2f} to {max(times):.2f})"


def compare(arguments):
    m, d = unconstrained(arguments.model)
    measures = {
        "step": (lambda: peer_step(m, d, arguments.steps), "forward_us_per_step"),
        "linearize, one-sided": (lambda: peer_linearize(m, d, False), "linearize_us"),
        "linearize, centred": (lambda: peer_linearize(m, d, True), "linearize_us"),
    }
    for name, (peer, _) in measures.items():
        peer()  # warm up
    ours = {name: [] for name in measures}
    theirs = {name: [] for name in measures}
    for _ in range(arguments.runs):
        numbers = profile(arguments.costate, arguments.model, arguments.extra) if arguments.costate else {}
        for name, (peer, field) in measures.items():
            theirs[name].append(peer())
            if numbers.get(field) is not None:
                ours[name].append(float(numbers[field]))
    print(f"{arguments.model}: {m.nv} degrees of freedom, {arguments.runs} alternating runs, medians")
    for name in measures:
        print(f"{name}\n  mujoco {mujoco.__version__}  {spread(theirs[name])}")
        if ours[name]:
            print(f"  costate       {spread(ours[name])}")
            print(f"  ratio         {statistics.median(theirs[name]) / statistics.median(ours[name]):10.2f}")
        else:
            print("  costate       not measured")


def table(path):
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    return [name.strip() for name in rows[0]], np.array([[float(x) for x in row] for row in rows[1:]])


def replay(arguments):
    """Plays the controls of a run in MuJoCo, with its constraints on, and looks at the last half second."""
    folder = pathlib.Path(arguments.replay)
    m = mujoco.MjModel.from_xml_path(str(arguments.replay_model))
    d = mujoco.MjData(m)
    if arguments.keyframe or m.nkey:
        key = m.key(arguments.keyframe).id if arguments.keyframe else 0
        mujoco.mj_resetDataKeyframe(m, d, key)
    header, values = table(folder / "controls.csv")
    columns = [header.index(m.actuator(i).name) for i in range(m.nu)]
    a = m.joint(arguments.angle).qposadr[0]
    angles, rates, poses = [], [], [d.qpos.copy()]
    for row in values:
        d.ctrl[:] = row[columns]
        mujoco.mj_step(m, d)
        angles.append(math.remainder(d.qpos[a], 2 * math.pi))
        rates.append(np.abs(d.qvel).max())
        poses.append(d.qpos.copy())
    last = max(1, round(0.5 / m.opt.timestep))
    angle, rate = np.abs(angles[-last:]).max(), max(rates[-last:])
    good = angle <= 0.05 and rate <= 0.1
    print(f"{folder}: {len(values)} steps, {len(values) * m.opt.timestep:g} s in mujoco {mujoco.__version__}")
    print(f"last 0.5 s: |{arguments.angle}| <= {angle:.4f} rad (asked 0.05), rates <= {rate:.4f} (asked 0.1)")
    trajectory = folder / "trajectory.csv"
    if trajectory.exists():
        names, recorded = table(trajectory)
        scalar = [j for j in range(m.njnt) if m.jnt_type[j] >= 2 and m.joint(j).name in names]
        if scalar:
            n = min(len(recorded), len(poses))
            offset = len(poses) - n if len(recorded) < len(poses) else 0
            theirs = np.array(poses)[offset : offset + n][:, [m.jnt_qposadr[j] for j in scalar]]
            own = recorded[:n][:, [names.index(m.joint(j).name) for j in scalar]]
            print(f"largest difference from trajectory.csv: {np.abs(theirs - own).max():.3e}")
    print("the pole stands" if good else "the pole does NOT stand")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--costate", help="path of the built binary; left out: MuJoCo's times only")
    parser.add_argument("--model", default=ROOT / "scenes/models/humanoid.xml", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--steps", type=int, default=4000, help="steps of one timed rollout")
    parser.add_argument("--extra", nargs="*", default=[], help="further arguments of costate profile")
    parser.add_argument("--replay", help="folder of a run with controls.csv")
    parser.add_argument("--replay-model", default=ROOT / "scenes/models/cartpole.xml", type=pathlib.Path)
    parser.add_argument("--keyframe", help="where the replay starts (default: the model's first keyframe)")
    parser.add_argument("--angle", default="pole", help="the joint that should end upright")
    arguments = parser.parse_args()
    if arguments.replay:
        raise SystemExit(0 if replay(arguments) else 1)
    compare(arguments)


if __name__ == "__main__":
    main()
